// reprise size: what a configuration costs, and the shape that fills a size, before anything is
// trained.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "base/file_lock.h"
#include "launch/command.h"
#include "models/cost/solve.h"
#include "train/options.h"

namespace reprise {
namespace {

/// The last of the steps that run the most passes: with a drawn or delayed depth the others need
/// less.
StepOf deepest_step(const Objective& objective, int64_t steps) {
  StepOf deepest{0, steps};
  for (int64_t step = 0; step < steps; ++step)
    if (objective.depth({step, steps}).passes >= objective.depth(deepest).passes)
      deepest.step = step;
  return deepest;
}

/// What that step of the training that `train` describes runs at once, were it on one rank.
MemoryCase memory_case(const ModelOptions& model, const TrainOptions& train,
                       const Objective& objective, StepOf deepest) {
  const StepDepth depth = objective.depth(deepest);
  MemoryCase step;
  step.sequences = train.micro_sequences > 0 ? std::min(train.micro_sequences, train.sequences)
                                             : train.sequences;
  step.length = model.context;
  step.compute = compute_type(train.precision);
  step.run = {.passes = depth.passes, .graph_passes = depth.graph_passes};
  for (const int64_t pass : objective.use(deepest).readouts)
    if (pass >= depth.first_with_graph()) step.readouts.insert(pass);
  if (train.objective.kind == ObjectiveKind::kGatedRefinement && depth.refines)
    step.refine_share = train.objective.refinement.refine_share;
  return step;
}

CostCase case_of(const ModelOptions& model, const TrainOptions& train, const SizeOptions& size) {
  const auto objective = make_objective(train.objective, model, static_cast<uint64_t>(train.seed));
  const StepOf deepest = deepest_step(*objective, train.steps);
  return {.code_bits = size.bits,
          .code_bytes = size.code_bytes,
          .refine_share = size.refine_share,
          .step = memory_case(model, train, *objective, deepest),
          .step_flops = objective->step_flops(deepest)};
}

nlohmann::json json_of(const Solution& solution) {
  return {{"option", solution.option},
          {"value", solution.value},
          {"bytes", solution.bytes},
          {"next", solution.next},
          {"next_bytes", solution.next_bytes}};
}

std::string words_of(const Solution& solution, int64_t bytes) {
  return concat("--", solution.option, ' ', solution.value, "\n  ", solution.bytes, " of ", bytes,
                " bytes, ", bytes - solution.bytes, " left; ", solution.next, " would take ",
                solution.next_bytes, "\n\n");
}

/// The options of this command's own may be given without their section: --solve, --bytes 900000.
std::vector<std::string> with_section(std::span<const std::string> words) {
  std::vector<std::string> spelt(words.begin(), words.end());
  SizeOptions().visit([&](const std::string& key, auto&&...) {
    std::ranges::replace(spelt, "--" + key, "--size." + key);
  });
  return spelt;
}

void write_record(const SizeOptions& options, const nlohmann::json& record) {
  const FileLock lock = lock_output(options.out);
  write_file(options.out, record.dump(1) + "\n");
}

}  // namespace

ExitCode run_size(std::span<const std::string> words, Communicator& comm) {
  ModelOptions model;
  TrainOptions train;
  SizeOptions options;
  OptionSet set("size",
                "says what a configuration costs in parameters, bytes, operations and memory, and "
                "finds the shape that fills a number of bytes; --solve, --bytes and the others of "
                "[size] may stand without their section");
  set.add("size", options).add("model", model).add("train", train);
  if (!set.parse(with_section(words))) return ExitCode::kOk;
  require_agreement(comm, "the configuration", set.digest());
  if (comm.rank() != 0) return ExitCode::kOk;
  validate_recipe(train, model);
  validate(options);
  if (!options.out.empty()) require_place_for(options.out, "--size.out", OutputKind::kFile, {});

  std::optional<Solution> solution;
  if (options.solve != Solve::kNone)
    solution = solve(model, case_of(model, train, options), options);
  const CostCase c = case_of(model, train, options);
  const ModelCost cost = cost_of(model, c);
  if (!options.out.empty()) {
    nlohmann::json record = to_json(cost);
    record["configuration"] = set.resolved();
    if (solution) record["solution"] = json_of(*solution);
    write_record(options, record);
  }
  if (solution) std::cout << words_of(*solution, options.bytes);
  std::cout << to_table(cost, c);
  return ExitCode::kOk;
}

}  // namespace reprise
