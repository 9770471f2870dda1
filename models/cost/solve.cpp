#include "models/cost/solve.h"

#include "models/artifact/packing/options.h"

namespace reprise {
namespace {

constexpr double kMostBits = 8;

/// The option that is solved for: where it lies, and the steps in which it may change.
struct Unknown {
  const char* option;
  int64_t& (*field)(ModelOptions& model);
  int64_t step = 1;
};

/// Which rank `rank` means: the family's own.
Solve rank_of(const ModelOptions& model) {
  if (model.lora_rank > 0) return Solve::kLoraRank;
  return model.basis_rank > 0 ? Solve::kBasisRank : Solve::kEmbeddingRank;
}

Unknown unknown_of(Solve solve, const ModelOptions& model) {
  switch (solve) {
    case Solve::kWidth:  // heads of an even width
      return {"model.width", [](ModelOptions& m) -> int64_t& { return m.width; }, 2 * model.heads};
    case Solve::kLayers:
      return {"model.core", [](ModelOptions& m) -> int64_t& { return m.core; }};
    case Solve::kExperts:
      return {"model.experts", [](ModelOptions& m) -> int64_t& { return m.experts.count; }};
    case Solve::kRank:
      return unknown_of(rank_of(model), model);
    case Solve::kLoraRank:
      return {"model.lora-rank", [](ModelOptions& m) -> int64_t& { return m.lora_rank; }};
    case Solve::kBasisRank:
      return {"model.basis-rank", [](ModelOptions& m) -> int64_t& { return m.basis_rank; }};
    case Solve::kEmbeddingRank:
      return {"model.embedding-rank", [](ModelOptions& m) -> int64_t& { return m.embedding_rank; }};
    case Solve::kNone:
      break;
  }
  fail(ExitCode::kUsage, "nothing to solve for; give --size.solve");
}

class Search {
 public:
  Search(const ModelOptions& model, const CostCase& c, const Unknown& unknown, int64_t most_bytes)
      : model_(model), case_(c), unknown_(unknown), most_bytes_(most_bytes) {}

  Solution run() const {
    int64_t fitting = least(), above = 0;
    validate(with(fitting));  // says why the model has no such option
    require(fits(fitting), ExitCode::kCapUnreachable, "no ", unknown_.option, " fits ", most_bytes_,
            " bytes: the least, ", value(fitting), ", takes ", bytes(fitting), ", ",
            bytes(fitting) - most_bytes_, " too many");
    for (above = 2 * fitting; fits(above); above *= 2) fitting = above;
    while (above - fitting > 1) {
      const int64_t middle = (fitting + above) / 2;
      (fits(middle) ? fitting : above) = middle;
    }
    require(is_valid(above), ExitCode::kCapUnreachable, "no ", unknown_.option, " fills ",
            most_bytes_, " bytes: the largest, ", value(fitting), ", takes ", bytes(fitting), ", ",
            most_bytes_ - bytes(fitting), " too few");
    return {unknown_.option, value(fitting), bytes(fitting), value(above), bytes(above)};
  }

 private:
  int64_t value(int64_t steps) const { return steps * unknown_.step; }
  ModelOptions with(int64_t steps) const {
    ModelOptions model = model_;
    unknown_.field(model) = value(steps);
    return model;
  }
  int64_t bytes(int64_t steps) const { return stored_bytes_of(with(steps), case_); }
  bool fits(int64_t steps) const { return is_valid(steps) && bytes(steps) <= most_bytes_; }

  /// The given model is valid, so what is wrong with another lies in this option.
  bool is_valid(int64_t steps) const {
    try {
      validate(with(steps));
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  int64_t least() const {
    ModelOptions given = model_;
    int64_t steps = 1;
    while (!is_valid(steps) && value(steps) < unknown_.field(given)) ++steps;
    return steps;
  }

  const ModelOptions& model_;
  const CostCase& case_;
  Unknown unknown_;
  int64_t most_bytes_;
};

}  // namespace

void validate(const SizeOptions& options) {
  require(options.bits > 0 && options.bits <= kMostBits, ExitCode::kUsage, "size.bits is ",
          options.bits, "; it must be above 0 and at most ", kMostBits);
  require(0 <= options.refine_share && options.refine_share <= 1, ExitCode::kUsage,
          "size.refine-share is ", options.refine_share, "; it lies in [0, 1]");
  require(0 <= options.code_bytes && options.code_bytes <= kMostArtifactBytes, ExitCode::kUsage,
          "size.code-bytes is ", options.code_bytes, "; it must be from 0 to ", kMostArtifactBytes);
  const bool solves = options.solve != Solve::kNone;
  require(!solves || (0 < options.bytes && options.bytes <= kMostArtifactBytes), ExitCode::kUsage,
          "size.bytes is ", options.bytes, "; size.solve wants the bytes to fill, from 1 to ",
          kMostArtifactBytes);
  require(solves || options.bytes == 0, ExitCode::kUsage,
          "size.bytes is there to be filled; say with --size.solve by what");
}

Solution solve(ModelOptions& model, const CostCase& c, const SizeOptions& options) {
  validate(model);
  const Unknown unknown = unknown_of(options.solve, model);
  const Solution solution = Search(model, c, unknown, options.bytes).run();
  unknown.field(model) = solution.value;
  return solution;
}

}  // namespace reprise
