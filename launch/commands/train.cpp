// reprise train: corpus and options in, a trained model on disk out.
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/batches.h"
#include "data/corpus.h"
#include "launch/command.h"
#include "train/loop.h"

namespace reprise {
namespace {

TrainingText describe(const Corpus& corpus, const BatchSampler& sampler) {
  TrainingText text;
  text.batches = [&sampler](int64_t step, int64_t first, int64_t count) {
    return sampler.sequences(step, first, count);
  };
  Bytes bytes;
  for (const auto& document : corpus.documents(Split::kTrain)) bytes += document.bytes;
  text.bytes_per_token =
      static_cast<double>(bytes.value) / static_cast<double>(corpus.tokens(Split::kTrain));
  text.tokenizer = corpus.tokenizer().digest();
  for (const auto& [split, name] : EnumNames<Split>::names)
    text.corpus[std::string(name)] = corpus.digest(split);
  return text;
}

}  // namespace

ExitCode run_train(std::span<const std::string> words, Communicator& comm) {
  ModelOptions model;
  TrainOptions options;
  OptionSet set("train", "train a model on a corpus; under mpirun the ranks share every batch");
  set.add("model", model).add("train", options);
  if (!set.parse(words)) return ExitCode::kOk;
  validate(options, model);
  std::vector<std::filesystem::path> inputs{options.corpus};
  if (!options.start_from.empty()) inputs.emplace_back(options.start_from);
  require_place_for(options.out, "--train.out", OutputKind::kFolder, inputs);

  const Corpus corpus(options.corpus);
  require(corpus.tokenizer().vocab() == model.vocab, ExitCode::kUsage, "model.vocab is ",
          model.vocab, ", but the tokenizer of ", options.corpus, " has ",
          corpus.tokenizer().vocab(), " pieces; give that");
  together(comm, [&] { corpus.check_shards(Split::kTrain, comm.rank(), comm.size()); });
  const BatchSampler sampler(corpus, Split::kTrain, model.context, options.sequences,
                             static_cast<uint64_t>(options.seed));
  const TrainEnd end = train(model, options, set.resolved(), describe(corpus, sampler), comm);
  return end == TrainEnd::kStopped ? ExitCode::kResumable : ExitCode::kOk;
}

}  // namespace reprise
