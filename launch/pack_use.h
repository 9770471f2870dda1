// What packing knows of a model beside its weights: how they are used on train text, and what the
// packed weights lose.
#pragma once

#include <filesystem>
#include <optional>

#include "base/comm/communicator.h"
#include "base/stop_request.h"
#include "data/corpus.h"
#include "eval/packing_loss.h"
#include "models/artifact/packing/packer.h"
#include "models/calibration/measure.h"

namespace reprise {

/// Where the measured use is kept: as options say, or beside the model's folder, under a name that
/// tells text and options apart, so that packings of several kinds keep theirs side by side. Not in
/// the folder: what is in there is training's, and a study would find it changed.
std::filesystem::path calibration_file(const PackOptions& options, const UseOptions& use,
                                       const Corpus& corpus);

/// Measures how the model is used, or takes it from `file` where that is complete; collective, the
/// same on every rank. Throws kResumable where `stop` arrives.
Calibration calibrate(const PackOptions& options, UseOptions use, const std::filesystem::path& file,
                      const Corpus& corpus, const StopRequest& stop, Communicator& comm);

/// Nats a token that a packed file loses on train text, for choosing among rules: the same bits for
/// any number of threads. Does nothing until it is called; `corpus` outlives it.
Judge train_text_judge(const Corpus& corpus, const UnitOptions& units);

/// The model as it was trained against the artifact, on valid text.
PackingLoss measure_packing_loss(const PackOptions& options, const Artifact& artifact,
                                 const Corpus& corpus, const UnitOptions& units, bool refined);

}  // namespace reprise
