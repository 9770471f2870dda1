#include "models/artifact/packing/options.h"

#include "base/parallel.h"

namespace reprise {

bool weighs_by_fisher(const PackOptions& options) {
  return options.sensitivity == Sensitivity::kFisher &&
         options.quantiser.allocation == Allocation::kRateDistortion &&
         matrix_schemes(options.quantiser) != std::vector{Scheme::kSingle};
}

bool uses_calibration(const PackOptions& options) {
  return weighs_by_fisher(options) || uses_hessians(options.quantiser);
}

void validate(const PackOptions& options) {
  require(options.bytes >= 0, ExitCode::kUsage,
          "give --pack.bytes, the size of the file in bytes, or 0 for no cap");
  require(options.bytes <= kMostArtifactBytes, ExitCode::kUsage, "--pack.bytes ", options.bytes,
          " must be at most ", kMostArtifactBytes);
  require(0 <= options.refine_share && options.refine_share <= 1, ExitCode::kUsage,
          "--pack.refine-share ", options.refine_share, " is no share: give 0 to 1");
  require(0 <= options.code_bytes, ExitCode::kUsage, "--pack.code-bytes ", options.code_bytes,
          " must not be negative");
  require(options.bytes == 0 || options.code_bytes < options.bytes, ExitCode::kUsage,
          "--pack.code-bytes ", options.code_bytes, " must be less than --pack.bytes ",
          options.bytes);
  require(
      options.quantiser.clip_sigma == 0 ||
          (options.bytes == 0 && options.quantiser.allocation == Allocation::kUniform),
      ExitCode::kUsage,
      "--pack.clip-sigma is for --pack.allocation uniform and --pack.bytes 0; with a target the "
      "clip follows from it");
  require(options.bytes > 0 || options.quantiser.allocation != Allocation::kHand, ExitCode::kUsage,
          "--pack.allocation hand compares files of one size: give --pack.bytes");
  require(options.compare_tokens >= 0, ExitCode::kUsage, "--pack.compare-tokens ",
          options.compare_tokens, " must not be negative");
  require(options.code.empty() || options.code_bytes == 0, ExitCode::kUsage,
          "--pack.code and --pack.code-bytes both say what the decoder's code counts; give one");
  require(0 < options.threads && options.threads <= kMostThreads, ExitCode::kUsage,
          "--pack.threads ", options.threads, " must be from 1 to ", kMostThreads);
  validate(options.quantiser);
  require(options.calibration.empty() || uses_calibration(options), ExitCode::kUsage,
          "--pack.calibration is read by rounding gptq and sensitivity fisher alone, and these "
          "options ask for neither");
}

}  // namespace reprise
