// reprise gate: a trained model and a corpus in, a gate head on disk out; the model stays as it is.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/batches.h"
#include "data/corpus.h"
#include "launch/command.h"
#include "train/gate/gate_file.h"
#include "train/gate/loop.h"

namespace reprise {
namespace {

BatchSource source_of(const BatchSampler& sampler) {
  return [&sampler](int64_t step, int64_t first, int64_t count) {
    return sampler.sequences(step, first, count);
  };
}

/// Before any work: nothing is written over what is read, nor over one another.
void require_places(const GateOptions& options) {
  const std::vector<std::filesystem::path> inputs{options.model, options.corpus};
  require_place_for(options.out, "--gate.out", OutputKind::kFolder, inputs);
  if (options.passes == PassesFrom::kLive) return;
  require_place_for(options.store, "--gate.store", OutputKind::kFolder, inputs);
  require(place_of(options.store) != place_of(options.out), ExitCode::kUsage,
          "--gate.store and --gate.out are one folder; give two");
}

/// As many of the valid split's windows as it has and the options ask for.
int64_t valid_sequences(const GateOptions& options, const Corpus& corpus, int64_t context) {
  const int64_t windows = (corpus.tokens(Split::kValid) - 1) / context;
  return std::clamp<int64_t>(windows, 1, options.valid_sequences);
}

/// What people came for, in one line.
void print_quality(const std::filesystem::path& folder) {
  const nlohmann::json valid = read_gate_record(folder).at("valid"), head = valid.at("head");
  std::cout << "valid: area under the curve " << head.at("auc") << ", entropy alone "
            << valid.at("entropy").at("auc") << "; at " << valid.at("target_share")
            << " of tokens precision " << head.at("precision") << ", recall " << head.at("recall")
            << ", " << head.at("gain_nats") << " nats a token saved of "
            << valid.at("gain_nats_all") << " by all\n"
            << "head: " << (folder / kGateWeights).string() << std::endl;
}

}  // namespace

ExitCode run_gate(std::span<const std::string> words, Communicator& comm) {
  GateOptions options;
  OptionSet set("gate",
                "train a head that says which tokens a second look is worth, on a model that stays "
                "as it is; under mpirun the ranks share every batch");
  set.add("gate", options);
  if (!set.parse(words)) return ExitCode::kOk;
  validate(options);
  require_places(options);

  const Corpus corpus(options.corpus);
  const ModelFile model(options.model);
  model.require_tokenizer(corpus.tokenizer().digest(), options.corpus);
  validate(options, model.options());
  together(comm, [&] {
    for (const Split split : {Split::kTrain, Split::kValid})
      corpus.check_shards(split, comm.rank(), comm.size());
  });
  const auto seed = static_cast<uint64_t>(options.seed);
  const int64_t context = model.options().context;
  const BatchSampler train(corpus, Split::kTrain, context, options.sequences, seed);
  const BatchSampler valid(corpus, Split::kValid, context,
                           valid_sequences(options, corpus, context), seed);
  GateText text{source_of(train), source_of(valid), valid.global_sequences(), {}};
  for (const auto& [split, name] : EnumNames<Split>::names)
    text.corpus[std::string(name)] = corpus.digest(split);
  if (train_gate(options, model, text, set.resolved(), comm) == TrainEnd::kStopped)
    return ExitCode::kResumable;
  if (comm.rank() == 0) print_quality(options.out);
  return ExitCode::kOk;
}

}  // namespace reprise
