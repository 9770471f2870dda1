#include "models/artifact/quantisers/options.h"

#include <algorithm>

#include "base/error.h"
#include "models/artifact/quantisers/additions.h"

namespace reprise {

std::vector<Scheme> matrix_schemes(const QuantiserOptions& options) {
  require(!options.schemes.empty(), ExitCode::kUsage, "--pack.schemes names no scheme; give rows");
  std::vector<Scheme> schemes;
  for (const std::string& name : options.schemes) {
    schemes.push_back(parse_enum<Scheme>(name));
    require(schemes.back() != Scheme::kHalf && schemes.back() != Scheme::kFloat8, ExitCode::kUsage,
            "--pack.schemes: ", name,
            " is for tensors up to --pack.half-elements; raise that instead");
    require(std::count(schemes.begin(), schemes.end(), schemes.back()) == 1, ExitCode::kUsage,
            "--pack.schemes names ", name, " twice");
  }
  return schemes;
}

bool uses_hessians(const QuantiserOptions& options) {
  const std::vector<Scheme> schemes = matrix_schemes(options);
  return options.rounding == Rounding::kGptq &&
         std::any_of(schemes.begin(), schemes.end(), [](Scheme scheme) {
           return scheme != Scheme::kSingle && scheme != Scheme::kBinary;
         });
}

Scheme small_scheme(const QuantiserOptions& options) {
  if (matrix_schemes(options) == std::vector{Scheme::kSingle}) return Scheme::kSingle;
  return options.small == Small::kFloat8 ? Scheme::kFloat8 : Scheme::kHalf;
}

void validate(const QuantiserOptions& options) {
  require(options.allocation == Allocation::kRateDistortion ||
              matrix_schemes(options) == std::vector{Scheme::kRows},
          ExitCode::kUsage, "--pack.allocation ", enum_name(options.allocation),
          " is for --pack.schemes rows alone");
  const std::vector<Scheme> schemes = matrix_schemes(options);
  const bool takes_none = std::ranges::none_of(schemes, takes_additions);
  require(options.residual_rank == 0 || schemes != std::vector{Scheme::kBinary}, ExitCode::kUsage,
          "--pack.residual-rank is not for --pack.schemes binary, which has a branch of its own");
  require(options.min_bits == QuantiserOptions{}.min_bits ||
              options.allocation == Allocation::kRateDistortion,
          ExitCode::kUsage, "--pack.min-bits is not for --pack.allocation ",
          enum_name(options.allocation), ", whose weights all have --pack.max-bits");
  require(!takes_none || (options.outlier_share == 0 && options.residual_rank == 0 &&
                          options.rotate == Rotate::kNone),
          ExitCode::kUsage,
          "--pack.outlier-share, --pack.residual-rank and --pack.rotate add to weights that are "
          "codes; --pack.schemes single stores them as they are");
  require(2 <= options.min_bits && options.min_bits <= options.max_bits && options.max_bits <= 8,
          ExitCode::kUsage, "--pack.min-bits ", options.min_bits, " and --pack.max-bits ",
          options.max_bits, " must be in order, from 2 to 8");
  require(
      options.embedding_bits == 0 || (2 <= options.embedding_bits && options.embedding_bits <= 8 &&
                                      options.allocation == Allocation::kUniform),
      ExitCode::kUsage, "--pack.embedding-bits ", options.embedding_bits,
      " must be from 2 to 8, and is for --pack.allocation uniform");
  require(0 <= options.clip_sigma && options.clip_sigma <= 100, ExitCode::kUsage,
          "--pack.clip-sigma ", options.clip_sigma, " must be from 0 to 100");
  require(options.half_elements >= 0, ExitCode::kUsage, "--pack.half-elements ",
          options.half_elements, " must not be negative");
  require(0 <= options.outlier_share && options.outlier_share < 1, ExitCode::kUsage,
          "--pack.outlier-share ", options.outlier_share, " is no share of columns: give 0 to 1");
  require(0 <= options.residual_rank && options.residual_rank <= kLargestResidualRank,
          ExitCode::kUsage, "--pack.residual-rank ", options.residual_rank, " must be 0 to ",
          kLargestResidualRank);
}

}  // namespace reprise
