// Operations of the head alone.
#pragma once

#include "models/cost/flops.h"

namespace reprise {

/// Forward only: every readout of `work` times the table of tokens.
inline double head_flops(const ModelOptions& model, const PassWork& work) {
  return PassFlops(model).head(work);
}

}  // namespace reprise
