// The parts of a report by hand: templates, byte ledgers, training curves, the choice of documents.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/tokenizer_training.h"
#include "eval/report/byte_ledgers.h"
#include "eval/report/changed_documents.h"
#include "eval/report/labelled_file.h"
#include "eval/report/template.h"
#include "eval/report/training_curves.h"
#include "tests/analysis/synthetic_arms.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

using nlohmann::json;

TEST(Template, FillsOncePerNameAndNeverTwice) {
  EXPECT_EQ(fill_template("a{{x}}b{{y}}{{x}}", {{"x", "1{{y}}"}, {"y", ""}}), "a1{{y}}b1{{y}}");
  EXPECT_THROW(fill_template("{{x}}", {}), Error);
  EXPECT_THROW(fill_template("{{x", {{"x", "1"}}), Error);
}

TEST(Template, NothingInDataEndsAScript) {
  const json hostile{"</script><!--", "\xff", "é & \" '"};
  const std::string text = json_for_script(hostile);
  EXPECT_EQ(text.find('<'), text.npos);
  const json back = json::parse(text);
  EXPECT_EQ(back[0], hostile[0]);
  EXPECT_EQ(back[1], "\uFFFD");
  EXPECT_EQ(back[2], hostile[2]);
  EXPECT_EQ(escape_html("<a b='\"&'>"), "&lt;a b=&#39;&quot;&amp;&#39;&gt;");
}

TEST(LabelledFile, TakesALabelOrItsFolder) {
  EXPECT_EQ(parse_labelled_file("arm=x/y.json").label, "arm");
  EXPECT_EQ(parse_labelled_file("arm=x/y.json").path, "x/y.json");
  EXPECT_EQ(parse_labelled_file("runs/arm/y.json").label, "arm");
}

class ReportParts : public testing::Test {
 protected:
  /// The line with which reading is refused.
  template <class Read>
  std::string refusal(const Read& read) {
    try {
      read();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kBadInput);
      return error.what();
    }
    return "accepted";
  }

  std::string file(const std::string& name, std::string_view text) {
    write_file(folder_ / name, text);
    return folder_ / name;
  }
  TemporaryFolder folder_;
};

TEST_F(ReportParts, BytesAreSummedOverLayers) {
  const auto path = file("ledger.json", R"({"entries": [
      {"tensor": "", "cause": "header", "bytes": 100},
      {"tensor": "layer.0.mlp.up", "cause": "codes", "bytes": 10, "elements": 20},
      {"tensor": "layer.1.mlp.up", "cause": "codes", "bytes": 14, "elements": 20},
      {"tensor": "layer.1.mlp.up", "cause": "scales", "bytes": 1, "elements": 20}]})");
  const json rows = byte_rows({"a=" + path});
  EXPECT_EQ(rows, json::parse(R"([
      {"artifact": "a", "group": "header", "part": "", "cause": "header", "bytes": 100, "weights": 0},
      {"artifact": "a", "group": "mlp", "part": "up", "cause": "codes", "bytes": 24, "weights": 40},
      {"artifact": "a", "group": "mlp", "part": "up", "cause": "scales", "bytes": 1, "weights": 20}])"));
  const std::string bad = file("bad.json", "{}");
  EXPECT_EQ(refusal([&] { byte_rows({bad}); }),
            bad +
                ": not a byte ledger; give the .ledger.json that reprise pack wrote beside an "
                "artifact");
  EXPECT_THROW(byte_rows({folder_ / "none.json"}), Error);
}

TEST_F(ReportParts, CurvesAreMeansOverStretches) {
  std::string lines;
  for (int step = 1; step <= 5; ++step)
    lines += json{{"step", step}, {"loss_nats", step}, {"time_s", 9}}.dump() + "\n";
  const json rows = curve_rows({"run=" + file("metrics.jsonl", lines + "{\"step\": 6, \"lo")}, 3);
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[0], (json{{"run", "run"}, {"measure", "loss_nats"}, {"step", 2}, {"value", 1.5}}));
  EXPECT_EQ(rows[2].at("step"), 5);
  EXPECT_EQ(rows[2].at("value"), 5);
  const std::string bad = file("bad.jsonl", "not json\n");
  EXPECT_EQ(refusal([&] { curve_rows({bad}, 3); }),
            bad + ":1: not a line of metrics; give the metrics.jsonl of reprise train");
  const std::string empty = file("empty.jsonl", "{\"step\": 6, \"lo");
  EXPECT_EQ(refusal([&] { curve_rows({empty}, 3); }),
            empty + ": no whole line of metrics; give the metrics.jsonl of reprise train");
}

Tokenizer tokenizer() {
  int given = 0;
  return Tokenizer::from_bytes(train_tokenizer(
      [&given]() -> std::optional<std::string> {
        if (++given > 40) return {};
        return concat("the quick brown fox jumps over the lazy dog, number ", given, " of many\n");
      },
      300));
}

/// Changes the gated likelihood of one token of each of the first documents.
Trace changed_trace(const std::vector<float>& changes) {
  Trace trace = make_trace({.vocab = 300});
  auto& t = trace.tokens;
  t.nll_gated = t.nll_base;
  for (size_t d = 0; d < trace.documents.tokens.size(); ++d) {
    trace.documents.nats_gated[d] = trace.documents.nats_base[d];
    if (d >= changes.size()) continue;
    const size_t row = trace.documents.first_token[d] + 30;
    t.nll_gated[row] += changes[d];
    trace.documents.nats_gated[d] += changes[d];
  }
  return trace;
}

TEST_F(ReportParts, DocumentsAreTheMostChangedInBothDirections) {
  const Tokenizer own = tokenizer();
  Trace trace = changed_trace({-50, 40, -1, 2, -30});
  trace.attributes.tokenizer_sha256 = own.digest();
  const json shown = changed_documents(trace, nullptr, own, {4, 20});
  ASSERT_EQ(shown.size(), 4);
  EXPECT_LT(shown[0].at("change_bpb"), shown[1].at("change_bpb"));
  EXPECT_EQ((std::set<std::string>{shown[0].at("hash"), shown[1].at("hash")}),
            (std::set{trace.documents.hash[0], trace.documents.hash[4]}));
  EXPECT_EQ(shown[3].at("hash"), trace.documents.hash[1]);
  for (const auto& document : shown) {
    ASSERT_EQ(document.at("pieces").size(), 20);  // a window that holds the one change
    const int64_t at = 31 - document.at("position").get<int64_t>();
    EXPECT_GE(at, 0);
    EXPECT_LT(at, 20);
    EXPECT_NE(document.at("gated")[at], document.at("base")[at]);
  }
  EXPECT_FALSE(shown[0].contains("static"));
  trace.documents.nats_gated = trace.documents.nats_base;
  EXPECT_EQ(changed_documents(trace, nullptr, own, {4, 20}).size(), 0);
}

TEST_F(ReportParts, RefusesAnotherTokenizer) {
  const Tokenizer own = tokenizer();
  EXPECT_THROW(changed_documents(changed_trace({-1}), nullptr, own, {4, 20}), Error);
}

}  // namespace
}  // namespace reprise
