// The report as a reader meets it: both commands run on synthetic traces, and the page opened in a
// real browser by read_report.py, which fails on any console error and on any request.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/comm/communicator.h"
#include "base/digest.h"
#include "base/file.h"
#include "data/tokenizer_training.h"
#include "eval/trace/writer.h"
#include "launch/command.h"
#include "tests/analysis/synthetic_arms.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

using nlohmann::json;

constexpr int64_t kVocab = 400;
/// A domain's name comes from whoever wrote the data.
constexpr const char* kHostileName = "</script><script>window.injected = 1</script><!--";

std::string tokenizer_model() {
  int given = 0;
  return train_tokenizer(
      [&given]() -> std::optional<std::string> {
        if (++given > 60) return {};
        return concat("<script>if (a < b && c > ", given,
                      ") alert('x');</script> <!-- naïve — ∑ -->\n",
                      "\tdef forward(self, hidden): return self.mlp(hidden) + hidden\n");
      },
      kVocab);
}

class Report : public testing::Test {
 protected:
  std::string trace(const std::string& name, SyntheticArm arm) {
    arm.vocab = kVocab;
    Trace made = make_trace(arm);
    made.attributes.tokenizer_sha256 = to_hex(sha256_file(folder_ / "tokenizer.model"));
    made.attributes.domains[0] = kHostileName;
    // A slice without text: nothing to draw, and the page must say so without an error.
    for (auto& slices : made.tokens.slices) slices &= ~static_cast<uint32_t>(Slice::kEarly);
    write_trace(folder_ / name, made.passes, made.tokens, made.documents, made.attributes);
    return folder_ / name;
  }

  void run(ExitCode (*command)(std::span<const std::string>, Communicator&),
           const std::vector<std::string>& words) {
    const auto comm = make_self_communicator();
    testing::internal::CaptureStdout();
    const ExitCode code = command(words, *comm);
    testing::internal::GetCapturedStdout();
    ASSERT_EQ(code, ExitCode::kOk);
  }

  void write_verdict() {
    write_file(folder_ / "tokenizer.model", tokenizer_model());
    const SyntheticArm gain{.gated_gain_bpb = 0.006, .noise_bpb = 0.004};
    const SyntheticArm rival{.passes = Passes::kBaseOnly, .training_seed = 9};
    write_file(folder_ / "study.ini", "[verdict]\nmargin-bpb = 0.002\ndraws = 2000\n");
    run(run_verdict, {"--verdict.recurrent", trace("recurrent.h5", gain), "--verdict.static",
                      trace("static.h5", rival), "--verdict.study", folder_ / "study.ini",
                      "--verdict.out", folder_ / "verdict.json"});
  }

  std::string ledger(const std::string& name, int64_t scale) {
    json entries{{{"tensor", ""}, {"cause", "header"}, {"bytes", 2'000}}};
    for (const char* part : {"embedding", "layer.0.attention.query", "layer.0.mlp.up"})
      entries.push_back({{"tensor", part},
                         {"cause", "codes"},
                         {"bytes", scale * static_cast<int64_t>(std::string(part).size())},
                         {"elements", 100'000}});
    write_file(folder_ / name, json{{"entries", entries}}.dump());
    return folder_ / name;
  }

  std::string metrics(const std::string& name, double level) {
    std::string lines;
    for (int step = 1; step <= 1'000; ++step)
      lines +=
          json{{"step", step}, {"loss", level + 4 / std::sqrt(step)}, {"elapsed_s", step}}.dump() +
          "\n";
    write_file(folder_ / name, lines);
    return folder_ / name;
  }

  /// What read_report.py must find.
  json expectations() const {
    const json verdict = json::parse(read_file(folder_ / "verdict.json"));
    json words = json::array(), cards = json::array();
    for (const auto& claim : verdict.at("claims")) {
      words.push_back(claim.at("verdict"));
      cards.push_back(claim.at("found"));
    }
    return {{"words", words},
            {"cards contains", cards},
            {"labels contains", {"C1: recurrent, gated − static", "C3, slice rare"}},
            {"rows",
             {{"claims", 2},
              {"forest", 10},
              {"scores", 5},
              {"corrections", 3},
              {"bytes", 8},
              {"curves", 400},
              {"traces", 2},
              {"costs", 4},
              {"facts", 9}}},
            {"drawn", {"forest", "scores", "corrections", "bytes", "curves"}},
            {"documents", std::vector<int>(8, 40)},
            {"refined above", 0},
            {"coloured above", 0},
            {"recoloured above", 300},
            {"hovered contains",
             {"one pass", "gated", "all refined", "random", "static arm", "entropy", "passes",
              "bytes", "slices", "position"}},
            {"walked contains", {"token"}},
            {"focus", 1},
            {"label contains", {"one pass: ", "slices: "}},
            {"costs contains", {"second pass, gated", "1.25", "5.0"}},
            {"text contains", {"·"}},
            {"injected", nullptr},
            {"width", 0}};
  }

  /// The exit status of read_report.py, which prints what it missed.
  static int read_in_browser(const std::string& page, const std::string& wanted) {
    const std::string command =
        concat("/usr/bin/python3 " REPRISE_TEST_DIR "/read_report.py ", page, " ", wanted);
    return std::system(command.c_str());
  }

  TemporaryFolder folder_;
};

TEST_F(Report, ReadsWellInABrowser) {
  write_verdict();
  const std::string page = folder_ / "report.html", wanted = folder_ / "expected.json";
  run(run_report,
      {"--report.verdict", folder_ / "verdict.json", "--report.tokenizer",
       folder_ / "tokenizer.model", "--report.ledgers",
       concat("recurrent=", ledger("a.json", 9'000), ",static=", ledger("b.json", 9'100)),
       "--report.metrics",
       concat("recurrent=", metrics("a.jsonl", 2.9), ",static=", metrics("b.jsonl", 3)),
       "--report.tokens", "40", "--report.out", page});
  EXPECT_LT(std::filesystem::file_size(page), 5'000'000);
  write_file(wanted, expectations().dump());
  EXPECT_EQ(read_in_browser(page, wanted), 0);
  // The reader itself: what asks for something from outside, or complains, is found out.
  write_file(page, read_file(page) + "<script>fetch('https://example.invalid/');</script>");
  EXPECT_NE(read_in_browser(page, wanted), 0);
}

TEST_F(Report, SaysWhatItWasNotGiven) {
  write_verdict();
  const std::string page = folder_ / "bare.html";
  run(run_report, {"--report.verdict", folder_ / "verdict.json", "--report.out", page});
  EXPECT_THAT(read_file(page), testing::HasSubstr("\"curves\":[]"));
}

TEST_F(Report, RefusesWhatIsNoVerdict) {
  const auto comm = make_self_communicator();
  const std::string verdict = folder_ / "verdict.json";
  const auto expect_refused = [&](const std::string& text) {
    write_file(verdict, text);
    try {
      run_report(std::vector<std::string>{"--report.verdict", verdict, "--report.out",
                                          folder_ / "page.html"},
                 *comm);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kBadInput);
      EXPECT_EQ(error.what(), verdict +
                                  ": not what reprise verdict writes; give the file it wrote "
                                  "to --verdict.out");
    }
  };
  for (const char* text : {"{}", "not json", R"({"claims": [{}], "traces": {}})",
                           R"({"claims": [], "traces": 1})", R"({"claims": 1, "traces": {}})"})
    expect_refused(text);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "page.html"));
}

TEST_F(Report, RefusesATraceThatIsNotTheOneTheVerdictRead) {
  write_verdict();
  const SyntheticArm other{.gated_gain_bpb = 0.006, .noise_bpb = 0.004, .training_seed = 77};
  trace("recurrent.h5", other);
  const auto comm = make_self_communicator();
  try {
    run_report(std::vector<std::string>{"--report.verdict", folder_ / "verdict.json",
                                        "--report.tokenizer", folder_ / "tokenizer.model",
                                        "--report.out", folder_ / "page.html"},
               *comm);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_THAT(error.what(), testing::HasSubstr("not the trace that the verdict read there"));
  }
}

TEST_F(Report, RefusesCountsBelowZero) {
  const auto comm = make_self_communicator();
  for (const auto& [option, line] :
       {std::pair{"--report.documents", "report.documents is negative"},
        {"--report.tokens", "report.tokens must be above 0"}}) {
    try {
      run_report(std::vector<std::string>{"--report.out", folder_ / "page.html", option, "-1"},
                 *comm);
      ADD_FAILURE() << "accepted: " << option;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_EQ(std::string(error.what()), line);
    }
  }
}

}  // namespace
}  // namespace reprise
