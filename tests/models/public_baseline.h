// The baseline of the public 16 MB challenge.
#pragma once

#include "models/options.h"

namespace reprise::test {

/// Nine layers of width 512, eight heads over four, an MLP of twice the width, 1024 tokens, skips.
inline ModelOptions public_baseline() {
  ModelOptions options;
  options.family = Family::kStatic;
  options.vocab = 1024;
  options.width = 512;
  options.heads = 8;
  options.kv_heads = 4;
  options.mlp_ratio = 2;
  options.prelude = 4;
  options.core = 1;
  options.coda = 4;
  options.passes = 1;
  options.skips = true;
  return options;
}

}  // namespace reprise::test
