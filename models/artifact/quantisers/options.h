// How the tensors of a model are stored.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/artifact/quantisers/form.h"

namespace reprise {

enum class Allocation { kRateDistortion, kUniform, kHand };
template <>
struct EnumNames<Allocation> {
  static constexpr std::array names{std::pair{Allocation::kRateDistortion, "rate-distortion"},
                                    std::pair{Allocation::kUniform, "uniform"},
                                    std::pair{Allocation::kHand, "hand"}};
};

enum class Rounding { kNearest, kGptq };
template <>
struct EnumNames<Rounding> {
  static constexpr std::array names{std::pair{Rounding::kNearest, "nearest"},
                                    std::pair{Rounding::kGptq, "gptq"}};
};

/// What vectors and tensors up to half-elements are stored as.
enum class Small { kHalf, kFloat8 };
template <>
struct EnumNames<Small> {
  static constexpr std::array names{std::pair{Small::kHalf, "half"},
                                    std::pair{Small::kFloat8, "float8"}};
};

/// Which matrices are rotated before they are coded.
enum class Rotate { kNone, kAll, kChoose };
template <>
struct EnumNames<Rotate> {
  static constexpr std::array names{std::pair{Rotate::kNone, "none"},
                                    std::pair{Rotate::kAll, "all"},
                                    std::pair{Rotate::kChoose, "choose"}};
};

struct QuantiserOptions {
  std::vector<std::string> schemes{"rows"};
  Allocation allocation = Allocation::kRateDistortion;
  Rounding rounding = Rounding::kGptq;
  int64_t min_bits = 2, max_bits = 8;
  int64_t embedding_bits = 0;
  double clip_sigma = 0;
  int64_t half_elements = 1024;
  Small small = Small::kHalf;
  double outlier_share = 0;
  int64_t residual_rank = 0;
  Rotate rotate = Rotate::kNone;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("schemes", schemes, "",
          "what a matrix may be stored as; where there are several, each takes the one that loses "
          "least for its bytes: rows, ternary, codebook, additive (takes minutes for millions of "
          "weights), binary (signs and a branch of low rank in int8), single (fp32 "
          "as it is; alone it is also what every other tensor becomes)");
    field("allocation", allocation, "",
          "rate-distortion: every row takes the step and width that lose least for its bytes; "
          "uniform: all weights get the same bits; hand: the best of the rules people use, such as "
          "a bit more for the embedding");
    field(
        "rounding", rounding, "",
        "by the inputs that train text gives, or not: gptq: rows and ternary with error feedback, "
        "codebook and additive fitted to them; nearest: none of this");
    field("min-bits", min_bits, "bits", "rows: narrowest integers of a row, 2 to max-bits");
    field("max-bits", max_bits, "bits",
          "rows: widest integers of a row, min-bits to 8; uniform and hand: of all");
    field(
        "embedding-bits", embedding_bits, "bits",
        "uniform: width of the tables of tokens, which gets them as many bits more than the other "
        "weights as it is wider; 0: max-bits");
    field("clip-sigma", clip_sigma, "root mean squares",
          "uniform, without a target: clip of a row; 0: with the least squared error");
    field("half-elements", half_elements, "weights",
          "tensors up to this size stay binary16, as all vectors do");
    field("small", small, "",
          "what those are stored as: binary16, or eight-bit E4M3 under a scale of the tensor");
    field(
        "outlier-share", outlier_share, "share",
        "of a matrix's columns, at least one, that may be kept apart in binary16 where that loses "
        "less for its bytes; usual: 0.003; 0: none");
    field("residual-rank", residual_rank, "",
          "rank of the int4 factors that may be added to a matrix where that loses less for their "
          "bytes; 0: none");
    field("rotate", rotate, "",
          "whose columns a Hadamard matrix mixes before coding; choose: where that loses less");
  }
};

/// The schemes that are named; throws kUsage for a name that is none of a matrix's.
std::vector<Scheme> matrix_schemes(const QuantiserOptions& options);

/// Whether tensors are coded by the inputs they are multiplied by: gptq, and a scheme that can.
bool uses_hessians(const QuantiserOptions& options);

/// What vectors and small tensors are stored as: what --pack.small says, or single where that is
/// the only scheme.
Scheme small_scheme(const QuantiserOptions& options);

/// Throws kUsage, in one line, where a value is out of range.
void validate(const QuantiserOptions& options);

}  // namespace reprise
