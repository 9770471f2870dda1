// Rules by which people hand out bits, in place of measuring where they do most good: uniform bits,
// with a bit more or less for one kind of matrix. The best of them is the control that an
// allocation has to beat (claim C17).
#pragma once

#include <string_view>
#include <vector>

#include "models/artifact/quantisers/options.h"

namespace reprise {

/// Bits a weight beyond those of the other matrices.
struct Rule {
  std::string_view name = "";
  double embedding = 0, attention = 0, mlp = 0;
};

/// Those that `allocation` tries; one that gives nobody more, of the allocation's name, where bits
/// are not handed out by hand.
std::vector<Rule> rules_of(Allocation allocation);

bool is_token_table(std::string_view tensor);

/// What a rule gives the tensor of this name.
double finer_bits(const Rule& rule, std::string_view tensor);

}  // namespace reprise
