// `reprise verdict` as tests run it: on synthetic traces, through the command itself.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/comm/communicator.h"
#include "base/file.h"
#include "eval/trace/writer.h"
#include "launch/command.h"
#include "tests/analysis/synthetic_arms.h"
#include "tests/support/temporary_folder.h"

namespace reprise {

using nlohmann::json;
struct Outcome {
  ExitCode code = ExitCode::kOk;
  std::string words;  ///< of the command, or of the error
  nlohmann::json record;

  const nlohmann::json& claim(const std::string& id) const {
    for (const auto& claim : record.at("claims"))
      if (claim.at("id") == id) return claim;
    throw std::out_of_range(id);
  }
  std::string verdict(const std::string& id) const { return claim(id).at("verdict"); }
};

class Verdicts : public testing::Test {
 protected:
  /// `seeds` traces of an arm, comma separated.
  std::string traces(const std::string& name, SyntheticArm arm, uint32_t seeds = 1) {
    std::string paths;
    for (uint32_t seed = 0; seed < seeds; ++seed) {
      arm.training_seed += 1;
      const auto path = write_synthetic(folder_ / concat(name, seed, ".h5"), arm);
      paths += concat(paths.empty() ? "" : ",", path);
    }
    return paths;
  }

  std::string static_arm(uint32_t seeds = 1, SyntheticArm arm = {}) {
    arm.passes = Passes::kBaseOnly;
    arm.training_seed = 100;
    return traces("static", arm, seeds);
  }

  Outcome run(std::vector<std::string> words) {
    Outcome outcome;
    const std::string out = folder_ / "verdict.json";
    words.insert(words.end(), {"--verdict.out", out});
    const auto comm = make_self_communicator();
    testing::internal::CaptureStdout();
    try {
      outcome.code = run_verdict(words, *comm);
      outcome.words = testing::internal::GetCapturedStdout();
      outcome.record = nlohmann::json::parse(read_file(out));
    } catch (const Error& error) {
      testing::internal::GetCapturedStdout();
      outcome.code = error.code();
      outcome.words = error.what();
    }
    return outcome;
  }

  Outcome compare(const SyntheticArm& recurrent, uint32_t seeds = 1,
                  std::vector<std::string> more = {}, const std::string& margin_bpb = "0.002") {
    std::vector<std::string> words{"--verdict.recurrent",  traces("recurrent", recurrent, seeds),
                                   "--verdict.static",     static_arm(seeds),
                                   "--verdict.margin-bpb", margin_bpb,
                                   "--verdict.draws",      "2000"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  /// A trace of `arm` with something changed in it.
  std::string altered(const SyntheticArm& arm, const std::string& name,
                      const std::function<void(Trace&)>& alter) {
    Trace trace = make_trace(arm);
    alter(trace);
    const std::string path = folder_ / name;
    write_trace(path, trace.passes, trace.tokens, trace.documents, trace.attributes);
    return path;
  }

  TemporaryFolder folder_;
};

}  // namespace reprise
