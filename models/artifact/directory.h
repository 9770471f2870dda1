// Which tensors an artifact holds: names, forms and shapes, from which the sections follow.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/artifact/quantisers/form.h"

namespace reprise {

using Directory = std::vector<TensorShape>;

/// JSON text: [[name, scheme, [lengths]], ...], and where a form has more than its scheme an object
/// of what is not 0 behind the lengths.
std::string write_directory(const Directory& directory);

/// Throws kBadInput for anything write_directory would not write, and for tensors of more than
/// `max_elements` together.
Directory read_directory(std::string_view text, int64_t max_elements);

}  // namespace reprise
