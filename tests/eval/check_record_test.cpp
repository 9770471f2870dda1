// The record of a trace's checks: what was not run is not passed.
#include "eval/trace/check_record.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace reprise {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json all_passed() {
  json checks;
  for (const auto& [_, name] : EnumNames<Check>::names)
    checks[std::string(name)] = check_record(0.0, 1e-6);
  return checks;
}

json base_only() {
  json checks = all_passed();
  for (const auto& [check, name] : EnumNames<Check>::names)
    if (!applies(check, Passes::kBaseOnly)) checks[std::string(name)] = check_record({}, 1e-6);
  return checks;
}

std::string refusal(const json& checks, Passes passes) {
  try {
    require_checks_passed(checks, passes, "trace.h5");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kInvalidTrace);
    return error.what();
  }
  return "";
}

TEST(CheckRecord, TellsRunFromPassed) {
  EXPECT_EQ(check_record({}, 1), json({{"run", false}}));
  EXPECT_EQ(check_record(0.5, 1),
            json({{"run", true}, {"passed", true}, {"measured", 0.5}, {"tolerance", 1.0}}));
  EXPECT_EQ(check_record(2.0, 1)["passed"], false);
}

TEST(CheckRecord, TheSecondPassNeedsItsChecks) {
  EXPECT_EQ(refusal(all_passed(), Passes::kRefined), "");
  EXPECT_EQ(refusal(base_only(), Passes::kBaseOnly), "");
  EXPECT_THAT(refusal(base_only(), Passes::kRefined), HasSubstr("'causality_gate' was not run"));
}

TEST(CheckRecord, WhatIsMissingNotRunOrFailedIsNamed) {
  for (const auto& [check, word] : EnumNames<Check>::names) {
    const std::string name(word);
    json missing = base_only(), failed = base_only(), left_out = base_only();
    missing.erase(name);
    failed[name] = check_record(2, 1);
    left_out[name] = check_record({}, 1);
    EXPECT_THAT(refusal(missing, Passes::kBaseOnly), HasSubstr("records no check '" + name));
    EXPECT_THAT(refusal(failed, Passes::kBaseOnly), HasSubstr(name + "' did not pass"));
    const bool needed = applies(check, Passes::kBaseOnly);
    EXPECT_EQ(refusal(left_out, Passes::kBaseOnly).empty(), !needed) << name;
  }
}

TEST(CheckRecord, OtherFormsDoNotPass) {
  for (const json& form : {json(true), json("passed"), json::object(), json({{"passed", true}}),
                           json({{"run", 1}, {"passed", true}})}) {
    json checks = all_passed();
    checks["normalisation"] = form;
    EXPECT_NE(refusal(checks, Passes::kRefined), "") << form;
  }
  EXPECT_NE(refusal(json::array(), Passes::kRefined), "");
}

}  // namespace
}  // namespace reprise
