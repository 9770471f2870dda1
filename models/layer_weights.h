// One layer's weights in the arithmetic of a pass: of whichever kind the plan says (pass_plan.h),
// the pass's own changes added, all cast once.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "models/experts.h"
#include "models/parameters.h"
#include "models/pass_plan.h"

namespace reprise {

struct AttentionWeights {
  at::Tensor projection_CD;  ///< query, key and value rows, C = (H + 2G) E; no value rows where
                             ///< values have experts
  at::Tensor gain_H, output_DD, scale_D;
  std::optional<ExpertProjection> values, outputs;  ///< both or neither; instead of output_DD
};

struct MlpWeights {
  at::Tensor up_FD, down_DF, scale_D;
  bool from_basis = false;           ///< up and down are built, not stored
  std::optional<ExpertMlp> experts;  ///< instead of up and down
};

/// Scalars in fp32 (fp64 for fp64).
struct LayerWeights {
  int64_t layer = 0, pass = 0;  ///< as bound (LayerUse)
  at::Tensor mix_2D;
  AttentionWeights attention;
  MlpWeights mlp;
  NormPlacement norm = NormPlacement::kPre;
  bool projection_norm = false;
};

/// Which weights of a layer: those of a pass over the core, with what is its own where the plan
/// says so, or those of a layer outside it.
struct LayerUse {
  int64_t layer = 0;
  int64_t pass = 0;  ///< from 0; ignored where no pass differs
};

/// Casts the layer's weights; casts, changes and what is built from the basis are part of the
/// autograd graph.
LayerWeights bind_layer(const Parameters& parameters, const ModelOptions& options,
                        const LayerPlan& plan, LayerUse use, at::ScalarType compute);

}  // namespace reprise
