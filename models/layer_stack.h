// The unique layers of a model, each bound to its weights when it first runs, and the walks over
// them. With skips (ModelOptions::skips) layer E - 1 - i hands its output to layer E + i, i < E =
// layers / 2, which begins with x + skip_i * output: the U-Net of the public 16 MB baseline. A
// layer that runs again hands over what it made last.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "models/key_reader.h"
#include "models/pass_plan.h"

namespace reprise {

/// The residual stream between two layers.
struct Stream {
  at::Tensor hidden_MD;
  /// By the layer that left it, undefined where none has yet; empty without skips.
  std::vector<at::Tensor> skips_MD;
};

/// One stream of several: `combine` is given the same tensor of each.
using Combination = std::function<at::Tensor(const std::vector<at::Tensor>&)>;
Stream combine(std::span<const Stream> streams, const Combination& combination);
/// The same rows of every tensor.
Stream pick_rows(const Stream& stream, const at::Tensor& rows);
/// `chosen` where the mask is true, else `other`.
Stream pick_where(const at::Tensor& mask_M1, const Stream& chosen, const Stream& other);
/// `all` with these rows replaced by `picked`.
Stream replace_rows(const Stream& all, const at::Tensor& rows, const Stream& picked);

/// Is shown the stream behind a layer.
using SeeStream = std::function<void(const Stream&)>;

class LayerStack {
 public:
  LayerStack(const ModelOptions& options, const Parameters& parameters, at::ScalarType compute);

  /// A stream that has passed no layer.
  Stream begin(at::Tensor hidden_MD) const;
  /// Rows through the layers of `pass`, attending to what `reader` finds.
  Stream run(const CorePass& pass, Stream stream, const RowSet& rows, KeyReader& reader,
             const SeeStream& behind_layer = {});

 private:
  const LayerWeights& bound(int64_t layer, int64_t pass);
  void enter(int64_t layer, Stream& stream);
  void leave(int64_t layer, Stream& stream) const;

  ModelOptions options_;
  std::vector<LayerPlan> plans_;
  Parameters parameters_;  ///< shares the tensors
  at::ScalarType compute_;
  bool recorded_;  ///< casts, by autograd: as it was where this was made
  int64_t skips_;
  at::Tensor skip_ED_;                                         ///< bound when first used
  std::map<std::pair<int64_t, int64_t>, LayerWeights> bound_;  ///< by layer and pass
};

}  // namespace reprise
