// What the parameters of a model are for, by their names and the pass plan.
#pragma once

#include <string_view>

#include "base/options.h"
#include "models/options.h"

namespace reprise {

enum class ParameterGroup {
  kEmbedding,
  kBasis,
  kPrelude,
  kCore,
  kCoda,
  kRouters,
  kInterfaces,
  kAdapters,
  kHead
};
template <>
struct EnumNames<ParameterGroup> {
  static constexpr std::array names{std::pair{ParameterGroup::kEmbedding, "embedding"},
                                    std::pair{ParameterGroup::kBasis, "basis"},
                                    std::pair{ParameterGroup::kPrelude, "prelude"},
                                    std::pair{ParameterGroup::kCore, "core"},
                                    std::pair{ParameterGroup::kCoda, "coda"},
                                    std::pair{ParameterGroup::kRouters, "routers"},
                                    std::pair{ParameterGroup::kInterfaces, "interfaces"},
                                    std::pair{ParameterGroup::kAdapters, "adapters"},
                                    std::pair{ParameterGroup::kHead, "head"}};
};

/// Interfaces: what is between passes and between layers (reinjection, FiLM, skips); adapters: what
/// a pass has of its own in a shared layer.
ParameterGroup group_of(const ModelOptions& model, std::string_view parameter);

}  // namespace reprise
