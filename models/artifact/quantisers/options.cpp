#include "models/artifact/quantisers/options.h"

#include "base/error.h"

namespace reprise {

std::vector<Scheme> matrix_schemes(const QuantiserOptions& options) {
  require(!options.schemes.empty(), ExitCode::kUsage, "--pack.schemes names no scheme; give rows");
  std::vector<Scheme> schemes;
  for (const std::string& name : options.schemes) {
    schemes.push_back(parse_enum<Scheme>(name));
    require(schemes.back() != Scheme::kHalf, ExitCode::kUsage,
            "--pack.schemes: half is for tensors up to --pack.half-elements; raise that instead");
  }
  return schemes;
}

void validate(const QuantiserOptions& options) {
  (void)matrix_schemes(options);
  require(2 <= options.min_bits && options.min_bits <= options.max_bits && options.max_bits <= 8,
          ExitCode::kUsage, "--pack.min-bits ", options.min_bits, " and --pack.max-bits ",
          options.max_bits, " must be in order, from 2 to 8");
  require(0 <= options.clip_sigma && options.clip_sigma <= 100, ExitCode::kUsage,
          "--pack.clip-sigma ", options.clip_sigma, " must be from 0 to 100");
  require(options.half_elements >= 0, ExitCode::kUsage, "--pack.half-elements ",
          options.half_elements, " must not be negative");
}

}  // namespace reprise
