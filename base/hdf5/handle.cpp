#include "base/hdf5/handle.h"

#include <string_view>

namespace reprise::hdf5 {
namespace {

/// Keeps the first entry of a walk upward: the innermost call, which knows the cause.
herr_t keep_innermost(unsigned depth, const H5E_error2_t* entry, void* text) {
  if (depth == 0 && entry->desc) *static_cast<std::string*>(text) = entry->desc;
  return 0;
}

/// The system's own word where the library quotes it among buffers and offsets.
std::string quoted_reason(const std::string& description) {
  constexpr std::string_view kOpening = "error message = '";
  const size_t opening = description.find(kOpening);
  if (opening == std::string::npos) return description;
  const size_t start = opening + kOpening.size();
  return description.substr(start, description.find('\'', start) - start);
}

}  // namespace

std::string last_error() {
  std::string text = "HDF5 gives no reason";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &text);
  H5Eclear2(H5E_DEFAULT);
  return quoted_reason(text);
}

void silence() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

std::string library_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return concat(major, '.', minor, '.', release);
}

}  // namespace reprise::hdf5
