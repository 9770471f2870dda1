#include "eval/depths.h"

namespace reprise {

uint8_t Depths::at(int64_t document, uint32_t position) const {
  const auto found = depths_.find(document);
  const bool known = found != depths_.end() && position < found->second.size();
  return known ? found->second[position] : uint8_t{0};
}

void Depths::set(int64_t document, uint32_t position, uint8_t depth) {
  std::vector<uint8_t>& of_document = depths_[document];
  if (position >= of_document.size()) of_document.resize(size_t{position} + 1, 0);
  of_document[position] = depth;
}

}  // namespace reprise
