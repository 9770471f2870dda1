// Operations of the head alone.
#pragma once

#include "models/cost.h"

namespace reprise {

/// Forward only: every readout of `work` times the table of tokens.
inline double head_flops(ModelOptions model, const PassWork& work) {
  model.coda = 0;
  return readout_flops(model, work);
}

}  // namespace reprise
