// One layer: attention and MLP around the residual stream, the block of the public 16 MB baseline.
//
//   x = mix[0] * x + mix[1] * x0
//   x = x + attention.scale * attention(rms_norm(x))
//   x = x + mlp.scale * mlp(rms_norm(x))
//
// NormPlacement: `sandwich` also normalises what attention and MLP give before it is added (Ding et
// al., "CogView", arXiv:2105.13290); `peri` normalises only what enters a softmax, here queries,
// keys and the final stream, and leaves both rms_norms above out (Csordas et al., "MoEUT",
// arXiv:2405.16039, section 2.4). projection_norm also normalises what the output and down
// projections read (Wang et al., "BitNet", arXiv:2310.11453, section 2.1).
//
// Experts may stand in for the MLP and for the value and output projections (experts.h).
//
// A layer runs on rows: all positions of a batch, or those a gate picked. Which rows they are
// matters only to the rotation, and to the keys their queries read (key_reader.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "models/layer_weights.h"
#include "models/ops/attention.h"
#include "models/ops/heads.h"

namespace reprise {

/// The rows a pass runs on.
struct RowSet {
  at::Tensor positions_M;  ///< in their sequences
  at::Tensor embedded_MD;  ///< x0 of these rows
  ops::RotaryTable rotary;
  RouterLog* routers = nullptr;    ///< what the layers' routers decide is added to it
  ProductLog* products = nullptr;  ///< and here what their matrices multiply
};

/// What the rows of a layer attend to.
struct LayerReads {
  bool makes_keys = true;                                     ///< else rows make queries alone
  std::function<at::Tensor(const ops::Heads& heads)> attend;  ///< -> [M, H E]
};

at::Tensor run_layer(const LayerWeights& weights, const at::Tensor& hidden_MD, const RowSet& rows,
                     const LayerReads& reads);

/// The keys and values that a layer makes of rows, and nothing else.
ops::KeyRows make_keys(const LayerWeights& weights, const at::Tensor& hidden_MD,
                       const RowSet& rows);

}  // namespace reprise
