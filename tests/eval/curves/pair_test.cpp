// Pairs of traces that no curve is drawn from.
#include "eval/curves/pair.h"

#include <gmock/gmock.h>

#include "base/digest.h"
#include "base/error.h"
#include "tests/eval/curves/trace_pair.h"

namespace reprise {
namespace {

TEST(Pair, OfOneArtifactOnTwoSplitsIsDrawable) {
  const auto [valid, test] = make_trace_pair();
  require_drawable(valid, test, "v", "t");
}

TEST(Pair, ThatDoesNotBelongTogetherIsRefused) {
  using Change = void (*)(Trace&, Trace&);
  const std::vector<std::pair<const char*, Change>> changes{
      {"another model", [](Trace& v, Trace&) { v.attributes.artifact_sha256 = "other"; }},
      {"tokenizers", [](Trace& v, Trace&) { v.attributes.tokenizer_sha256 = "other"; }},
      {"eval.window", [](Trace&, Trace& t) { t.attributes.configuration["eval"]["window"] = 128; }},
      {"of the test split", [](Trace& v, Trace& t) { v = t; }},
      {"of the valid split", [](Trace& v, Trace& t) { t = v; }},
      {"of the train split", [](Trace& v, Trace&) { v.attributes.split = "train"; }},
      {"share the document", [](Trace& v, Trace& t) { v.documents.hash[2] = t.documents.hash[5]; }},
      {"without a second pass", [](Trace& v, Trace&) { v.passes = Passes::kBaseOnly; }},
      {"run `reprise eval` at each budget",
       [](Trace&, Trace& t) { t.attributes.refinement_rule = "latest"; }},
      {"normalisation",
       [](Trace&, Trace& t) { t.attributes.checks["normalisation"]["passed"] = false; }},
  };
  for (const auto& [words, change] : changes) {
    auto [valid, test] = make_trace_pair();
    change(valid, test);
    try {
      require_drawable(valid, test, "v", "t");
      ADD_FAILURE() << "accepted: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInvalidTrace);
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
    }
  }
}

}  // namespace
}  // namespace reprise
