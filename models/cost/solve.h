// Options of `reprise size`, section [size], and its search for the shape that fills a size.
#pragma once

#include <cstdint>
#include <string>

#include "base/options.h"
#include "models/cost/model_cost.h"

namespace reprise {

enum class Solve { kNone, kWidth, kLayers, kExperts, kRank, kEmbeddingRank, kLoraRank, kBasisRank };
template <>
struct EnumNames<Solve> {
  static constexpr std::array names{
      std::pair{Solve::kNone, "none"},          std::pair{Solve::kWidth, "width"},
      std::pair{Solve::kLayers, "layers"},      std::pair{Solve::kExperts, "experts"},
      std::pair{Solve::kRank, "rank"},          std::pair{Solve::kEmbeddingRank, "embedding-rank"},
      std::pair{Solve::kLoraRank, "lora-rank"}, std::pair{Solve::kBasisRank, "basis-rank"}};
};

struct SizeOptions {
  Solve solve = Solve::kNone;
  int64_t bytes = 0;
  double bits = 6;
  int64_t code_bytes = 0;
  double refine_share = 0.1;
  std::string out = {};

  template <class Visitor>
  void visit(Visitor&& field) {
    field(
        "solve", solve, "",
        "finds the largest value that fits size.bytes: of model.width, of model.core (layers), of "
        "model.experts, of a rank; rank: lora-rank or basis-rank where the model has one, else "
        "embedding-rank");
    field("bytes", bytes, "bytes", "solve: of the artifact and the code allowance together");
    field("bits", bits, "bits per weight",
          "that a matrix's codes take in the file on average; the packer reaches about 2 to 7");
    field("code-bytes", code_bytes, "bytes", "allowance for the decoder's code, counted");
    field("refine-share", refine_share, "share", "of the tokens that are refined when scoring");
    field("out", out, "file", "where the figures are also written, as JSON");
  }
};

/// Throws kUsage, in one line.
void validate(const SizeOptions& options);

struct Solution {
  std::string option;  ///< "model.width"
  int64_t value = 0, bytes = 0;
  int64_t next = 0, next_bytes = 0;  ///< the next value, which takes too much
};

/// Sets the solved option of `model`, which must be valid, to the largest value whose stored_bytes
/// are at most `options.bytes`. Throws kCapUnreachable, naming the nearest size, where the least
/// value takes more or the largest fills less.
Solution solve(ModelOptions& model, const CostCase& c, const SizeOptions& options);

}  // namespace reprise
