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
// matters only to the rotation and to attention.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/layer_weights.h"
#include "models/ops/heads.h"

namespace reprise {

/// Keys and values of one layer as attention reads them: normalised and rotated.
struct LayerKeys {
  at::Tensor keys_BGTE, values_BGTE;
};

/// The rows a pass runs on, and where they stand.
struct RowSet {
  int64_t sequences = 0, length = 0;
  at::Tensor rows_M;       ///< b * T + t, ascending
  at::Tensor positions_M;  ///< t
  at::Tensor embedded_MD;  ///< x0 of these rows
  ops::RotaryTable rotary;
  RouterLog* routers = nullptr;    ///< what the layers' routers decide is added to it
  ProductLog* products = nullptr;  ///< and here what their matrices multiply
};

/// The layer on all rows, each attending to the keys this call makes. Keeps them unless `kept` is
/// null.
at::Tensor run_layer(const LayerWeights& weights, const at::Tensor& hidden_MD, const RowSet& rows,
                     LayerKeys* kept);

/// The layer on any rows, attending to keys that an earlier call kept, by rule `coarse`.
at::Tensor refine_layer(const LayerWeights& weights, const at::Tensor& hidden_MD,
                        const RowSet& rows, const LayerKeys& keys);

}  // namespace reprise
