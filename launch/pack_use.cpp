#include "launch/pack_use.h"

#include <ATen/core/grad_mode.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file.h"
#include "eval/model.h"
#include "models/thread_count.h"
#include "train/model_weights.h"

namespace reprise {
namespace {

/// Of train text, on which rules are compared.
constexpr int64_t kJudgeTokens = 32768;

struct TrainedModel {
  ModelOptions options;
  Parameters parameters;
};

/// The file is closed again when it returns.
TrainedModel read_parameters(const std::string& folder) {
  const ModelFile file(folder);
  TrainedModel model{file.options(), Parameters(file.options(), /*seed=*/0)};
  assign_weights(file, model.parameters);
  return model;
}

}  // namespace

std::filesystem::path calibration_file(const PackOptions& options, const UseOptions& use,
                                       const Corpus& corpus) {
  if (!options.calibration.empty()) return options.calibration;
  constexpr size_t kDigits = 12;
  const std::string digest = digest_of(nlohmann::json{{"text", corpus.digest(Split::kTrain)},
                                                      {"tokens", use.tokens},
                                                      {"window", use.window},
                                                      {"refine_share", use.refine_share},
                                                      {"key_rule", enum_name(use.rule)}});
  return concat(place_of(options.model).string(), ".calibration-", digest.substr(0, kDigits),
                ".safetensors");
}

Calibration calibrate(const PackOptions& options, UseOptions use, const std::filesystem::path& file,
                      const Corpus& corpus, const StopRequest& stop, Communicator& comm) {
  use.threads = options.threads;
  use.state = file;
  use.stop = [&] { return stop.arrived(); };
  const TrainedModel model = read_parameters(options.model);
  return measure_use(model.options, model.parameters, corpus, use, comm);
}

Judge train_text_judge(const Corpus& corpus, const UnitOptions& units) {
  auto sample = std::make_shared<std::optional<LossSample>>();
  return [&corpus, units, sample](const std::string& file) {
    const at::NoGradGuard no_grad;
    const ThreadCount alone(1);
    if (!*sample) *sample = draw_loss_sample(corpus, Split::kTrain, kJudgeTokens, units);
    return mean_nats(make_network(parse_artifact(file, "a packed file"), Arithmetic::kFp32),
                     **sample);
  };
}

PackingLoss measure_packing_loss(const PackOptions& options, const Artifact& artifact,
                                 const Corpus& corpus, const UnitOptions& units, bool refined) {
  const at::NoGradGuard no_grad;
  const ThreadCount threads(options.threads);
  const TrainedModel model = read_parameters(options.model);
  return compare_networks(Network(model.options, model.parameters, at::kFloat),
                          make_network(artifact, Arithmetic::kFp32),
                          draw_loss_sample(corpus, Split::kValid, options.compare_tokens, units),
                          {refined, artifact.gate.keys});
}

}  // namespace reprise
