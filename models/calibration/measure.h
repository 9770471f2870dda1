// Measures how a trained model uses its weights, on train text: for every matrix the inputs that
// are multiplied by it, over every pass, and for every tensor how sharply the loss depends on it.
// What is measured is said in models/artifact/quantisers/calibration.h, how in docs/calibration.md.
//
// Sensitivity is the empirical Fisher diagonal, F_ij ~ mean over windows of g_ij^2 / T, where g is
// the gradient of the summed loss of a window's T tokens, in its best product form by rows and
// columns. If the gradients of single tokens were independent and of mean 0, that would be the mean
// of a token's squared gradient. They are neither: tokens of a window correlate, a model that is
// not at a minimum of this loss has a mean gradient that counts T times over, and the targets are
// those of the text and not drawn from the model, so that F is the loss's curvature only where the
// model predicts well (Kunstner et al., arXiv:1905.12558). It ranks tensors, rows and columns; it
// is no forecast of nats.
//
// Every sum is taken in an order that the options alone decide: windows are summed in groups of
// kGroupWindows, each group by one thread that computes alone, and groups are added one after the
// other. So the bits are the same for any number of ranks and threads, and after any interruption.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/comm/communicator.h"
#include "data/corpus.h"
#include "models/artifact/quantisers/calibration.h"
#include "models/key_rule.h"
#include "models/options.h"
#include "models/parameters.h"

namespace reprise {

struct UseOptions {
  int64_t tokens = 65536, window = 0;

  // What the command that measures knows from options of its own.
  double refine_share = 0;  ///< of a window's tokens, at least one, which are refined; 0: none
  KeyRule rule = KeyRule::kCoarse;  ///< under which they are
  int64_t threads = 1;              ///< per rank; each works on windows of its own
  std::string state = {};  ///< file that keeps the sums, also complete ones; "": none is kept
  std::chrono::milliseconds save_pause{30'000};  ///< between two states that are written
  std::function<bool()> stop = {};  ///< asked by every rank between rounds of groups; may be empty

  template <class Visitor>
  void visit(Visitor&& field) {
    field("tokens", tokens, "tokens",
          "of the train split, on which the use of the weights is measured; in windows spread "
          "evenly over it");
    field("window", window, "tokens", "length of a window; 0: model.context");
  }
};

/// Throws kUsage, in one line.
void validate(const UseOptions& options, const ModelOptions& model);

/// Windows that one thread sums up.
inline constexpr int64_t kGroupWindows = 4;

/// Collective; the same on every rank. `parameters` are those of the model as it was trained, fp32
/// (fp64 in tests), on the host. Goes on from options.state where that is of the same weights, text
/// and options, and does nothing where it is complete. Throws kBadInput for weights that are not
/// finite, another vocabulary than the corpus's, too short a train split, a damaged state;
/// kResumable where options.stop asked for an end, with the state written.
Calibration measure_use(const ModelOptions& model, const Parameters& parameters,
                        const Corpus& corpus, const UseOptions& options, Communicator& comm);

}  // namespace reprise
