#include "tests/comm/predictable.h"

#include <algorithm>
#include <cstring>

namespace reprise {
namespace {

template <class T>
void put(std::vector<std::byte>& bytes, int64_t index, int64_t value) {
  const T typed = static_cast<T>(value);
  std::memcpy(bytes.data() + static_cast<size_t>(index) * sizeof(T), &typed, sizeof(T));
}

void put_as(Element element, std::vector<std::byte>& bytes, int64_t index, int64_t value) {
  switch (element) {
    case Element::kByte:
      return put<uint8_t>(bytes, index, value);
    case Element::kInt64:
      return put<int64_t>(bytes, index, value);
    case Element::kFloat32:
      return put<float>(bytes, index, value);
    case Element::kFloat64:
      return put<double>(bytes, index, value);
  }
}

template <class Value>
std::vector<std::byte> filled(Element element, int64_t count, const Value& value) {
  std::vector<std::byte> bytes(static_cast<size_t>(count * size_of(element)));
  for (int64_t index = 0; index < count; ++index) put_as(element, bytes, index, value(index));
  return bytes;
}

int64_t reduce(Reduction reduction, int64_t a, int64_t b) {
  if (reduction == Reduction::kSum) return a + b;
  return reduction == Reduction::kMin ? std::min(a, b) : std::max(a, b);
}

}  // namespace

std::vector<std::byte> predictable_input(Element element, int rank, int64_t count) {
  return filled(element, count, [&](int64_t index) { return predictable(rank, index); });
}

std::vector<std::byte> predictable_result(Element element, Reduction reduction, int ranks,
                                          int64_t count) {
  return filled(element, count, [&](int64_t index) {
    int64_t value = predictable(0, index);
    for (int rank = 1; rank < ranks; ++rank)
      value = reduce(reduction, value, predictable(rank, index));
    return value;
  });
}

}  // namespace reprise
