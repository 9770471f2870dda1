// What packing knows of a model beside its weights: how they are used on train text, and what the
// packed weights lose.
#pragma once

#include <optional>

#include "base/comm/communicator.h"
#include "data/corpus.h"
#include "eval/packing_loss.h"
#include "models/artifact/packing/packer.h"
#include "models/calibration/measure.h"

namespace reprise {

/// Whether packing by these options needs a calibration.
bool wants_calibration(const PackOptions& options);

/// Where the measured use is kept: as options say, or beside the model.
std::string calibration_file(const PackOptions& options);

/// Measures how the model is used, or takes it from the file where that is complete; collective,
/// the same on every rank. `refine_share` as in UseOptions.
Calibration calibrate(const PackOptions& options, UseOptions use, double refine_share,
                      const Corpus& corpus, Communicator& comm);

/// Nats a token that a packed file loses on train text, for choosing among rules. Does nothing
/// until it is called; `corpus` outlives it.
Judge train_text_judge(const Corpus& corpus, const UnitOptions& units);

/// The model as it was trained against the artifact, on valid text.
PackingLoss measure_packing_loss(const PackOptions& options, const Artifact& artifact,
                                 const Corpus& corpus, const UnitOptions& units, bool refined);

}  // namespace reprise
