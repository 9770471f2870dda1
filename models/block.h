// One layer: attention and MLP around the residual stream, the block of the public 16 MB baseline
// (docs/models.md).
//
//   x = mix[0] * x + mix[1] * x0
//   x = x + attention.scale * attention(rms_norm(x))
//   x = x + mlp.scale * mlp(rms_norm(x))
#pragma once

#include <ATen/core/Tensor.h>

#include "models/ops/heads.h"
#include "models/parameters.h"

namespace reprise {

/// Keys and values of one layer as attention reads them: normalised and rotated.
struct LayerKeys {
  at::Tensor keys_BGTE, values_BGTE;
};

/// One layer's weights in the arithmetic of the pass; scalars in fp32 (fp64 for fp64).
struct LayerWeights {
  at::Tensor mix_2D;
  at::Tensor projection_CD;  ///< query, key and value rows, C = (H + 2G) E
  at::Tensor gain_H, output_DD, attention_scale_D;
  at::Tensor up_FD, down_DF, mlp_scale_D;
};

/// Casts layer `layer` of `parameters`; the casts are part of the autograd graph.
LayerWeights bind_layer(const Parameters& parameters, int64_t layer, at::ScalarType compute);

/// The layer over whole sequences, each position attending to keys this call makes. Fills `kept`
/// unless it is null.
at::Tensor run_layer(const LayerWeights& weights, const at::Tensor& hidden_BTD,
                     const at::Tensor& embedded_BTD, const ops::RotaryTable& rotary,
                     LayerKeys* kept);

/// The layer over whole sequences, attending to keys that an earlier call kept.
at::Tensor refine_layer(const LayerWeights& weights, const at::Tensor& hidden_BTD,
                        const at::Tensor& embedded_BTD, const ops::RotaryTable& rotary,
                        const LayerKeys& keys);

/// The same for packed rows of those sequences, sorted (docs/refinement.md).
at::Tensor refine_layer_rows(const LayerWeights& weights, const at::Tensor& hidden_MD,
                             const at::Tensor& embedded_MD, const ops::RotaryTable& rotary,
                             const LayerKeys& keys, const at::Tensor& rows_M);

}  // namespace reprise
