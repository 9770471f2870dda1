#include "models/artifact/packing/options.h"

namespace reprise {
namespace {

void validate(const QuantiserOptions& options) {
  require(4 <= options.min_bits && options.min_bits <= options.max_bits && options.max_bits <= 8,
          ExitCode::kUsage, "--pack.min-bits ", options.min_bits, " and --pack.max-bits ",
          options.max_bits, " must be in order, from 4 to 8");
  require(options.half_elements >= 0, ExitCode::kUsage, "--pack.half-elements ",
          options.half_elements, " must not be negative");
}

}  // namespace

void validate(const PackOptions& options) {
  require(options.bytes > 0, ExitCode::kUsage, "give --pack.bytes, the size of the file in bytes");
  require(options.bytes <= kMostArtifactBytes, ExitCode::kUsage, "--pack.bytes ", options.bytes,
          " must be at most ", kMostArtifactBytes);
  require(0 <= options.refine_share && options.refine_share <= 1, ExitCode::kUsage,
          "--pack.refine-share ", options.refine_share, " is no share: give 0 to 1");
  require(0 <= options.code_bytes && options.code_bytes < options.bytes, ExitCode::kUsage,
          "--pack.code-bytes ", options.code_bytes, " must be less than --pack.bytes ",
          options.bytes);
  require(options.threads > 0, ExitCode::kUsage, "--pack.threads ", options.threads,
          " must be positive");
  validate(options.quantiser);
}

}  // namespace reprise
