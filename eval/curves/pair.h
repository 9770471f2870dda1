// Which two traces curves can be drawn from.
#pragma once

#include <string_view>

#include "eval/trace/reader.h"

namespace reprise {

/// Throws kInvalidTrace unless both are by one artifact and tokenizer, scored with one window,
/// stride and precision, `valid` of the valid split and `test` of the test split, without a
/// document in both; their checks passed; and with a second
/// pass under the rule `coarse`, by which a refined prediction depends on no other refinement. The
/// names are those of the files.
void require_drawable(const Trace& valid, const Trace& test, std::string_view valid_name,
                      std::string_view test_name);

}  // namespace reprise
