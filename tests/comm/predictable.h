// Inputs whose reduction is known exactly: small integers, so that sums are exact in every element
// type and fit a byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/comm/communicator.h"

namespace reprise {

inline constexpr Element kElements[] = {Element::kByte, Element::kInt64, Element::kFloat32,
                                        Element::kFloat64};
inline constexpr Reduction kReductions[] = {Reduction::kSum, Reduction::kMin, Reduction::kMax};

/// Element `index` of rank `rank`: 0 to 60, so that four ranks sum to at most 240.
inline int64_t predictable(int rank, int64_t index) { return (index * 7 + rank * 13) % 61; }

/// predictable() of `count` elements as `element`s lie in memory.
std::vector<std::byte> predictable_input(Element element, int rank, int64_t count);

/// What a reduction of the inputs of ranks 0 to `ranks` - 1 must give.
std::vector<std::byte> predictable_result(Element element, Reduction reduction, int ranks,
                                          int64_t count);

}  // namespace reprise
