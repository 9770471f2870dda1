// Which two traces curves can be drawn from.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "eval/trace/reader.h"

namespace reprise {

/// What a prediction is made from, beside the artifact: a threshold holds for one setting of it.
inline constexpr std::array kScoringOptions{"window", "stride", "precision"};
/// As a trace was scored; null where it does not say.
nlohmann::json scoring_of(const Trace& trace, const char* option);

/// Throws kInvalidTrace unless both are by one artifact and tokenizer, scored with one window,
/// stride and precision, `valid` of the valid split and `test` of the test split, without a
/// document in both; their checks passed; and with a second
/// pass under the rule `coarse`, by which a refined prediction depends on no other refinement. The
/// names are those of the files.
void require_drawable(const Trace& valid, const Trace& test, std::string_view valid_name,
                      std::string_view test_name);

}  // namespace reprise
