// Text that is hard on whoever reads it: the same in every run.
#pragma once

#include <cstdint>
#include <string>

namespace reprise {

/// Up to `most` characters from all over Unicode: controls, CJK, emoji with joiners, combining
/// marks, U+2581; another text for every number.
std::string unicode_text(uint64_t number, uint64_t most);

}  // namespace reprise
