#include "models/artifact/packing/rule.h"

namespace reprise {

std::vector<Rule> rules_of(Allocation allocation) {
  if (allocation != Allocation::kHand) return {{.name = enum_name(allocation)}};
  return {{.name = enum_name(Allocation::kUniform)},
          {.name = "embedding + 1", .embedding = 1},
          {.name = "embedding + 2", .embedding = 2},
          {.name = "embedding + 4", .embedding = 4},
          {.name = "attention + 1", .attention = 1},
          {.name = "mlp + 1", .mlp = 1},
          {.name = "embedding + 2, attention + 1", .embedding = 2, .attention = 1}};
}

bool is_token_table(std::string_view tensor) {
  return tensor.starts_with("embedding") || tensor.starts_with("head");
}

double finer_bits(const Rule& rule, std::string_view tensor) {
  const auto holds = [&](std::string_view word) {
    return tensor.find(word) != std::string_view::npos;
  };
  if (is_token_table(tensor)) return rule.embedding;
  if (holds(".attention.")) return rule.attention;
  return holds(".mlp.") ? rule.mlp : 0;
}

}  // namespace reprise
