// Options of `reprise pack`.
#pragma once

#include <cstdint>
#include <string>

#include "base/options.h"
#include "models/artifact/quantisers/options.h"

namespace reprise {

enum class Sensitivity { kRelative, kFisher };
template <>
struct EnumNames<Sensitivity> {
  static constexpr std::array names{std::pair{Sensitivity::kRelative, "relative"},
                                    std::pair{Sensitivity::kFisher, "fisher"}};
};

struct PackOptions {
  std::string model, corpus, out, gate;
  int64_t bytes = -1, code_bytes = 0;
  std::string code;
  bool carry_tokenizer = false;
  double refine_share = 0.1;
  bool reapply = false;
  int64_t threads = 1;
  Sensitivity sensitivity = Sensitivity::kFisher;
  std::string calibration;
  int64_t compare_tokens = 16384;
  QuantiserOptions quantiser;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("model", model, "folder", "what reprise train wrote");
    field("corpus", corpus, "folder",
          "what reprise data wrote; the gate is set on its valid split");
    field("out", out, "file", "the artifact; its ledger and summary are written beside it");
    field("bytes", bytes, "bytes",
          required(
              "the cap: file and code allowance are together at most this, and at most 0.1 % less; "
              "0: no cap, each tensor as fine as the options let it be"));
    field("code-bytes", code_bytes, "bytes", "allowance for the decoder's code, counted");
    field("code", code, "file",
          "the decoder's code: its length under the best coder is the allowance, in place of "
          "code-bytes");
    field("carry-tokenizer", carry_tokenizer, "", "put the tokenizer model in the file, counted");
    field("refine-share", refine_share, "share",
          "tokens of the valid split that the gate refines; 0: no gate");
    field(
        "gate", gate, "folder",
        "a head that reprise gate trained on this model: it is stored, counted, and is the gate's "
        "signal; none: entropy");
    field("reapply", reapply, "",
          "static and partial: set a gate, by which evaluation applies the core, the model's own "
          "middle layers, once more; else such a model has none");
    field("threads", threads, "threads per rank",
          "of the calibration, the gate's passes and the comparison with the unpacked model; part "
          "of the threshold's bits. Quantisers and coders take all cores");
    field(
        "sensitivity", sensitivity, "",
        "by which rate-distortion weighs errors: relative to each tensor's mean square, or fisher: "
        "by what they do to the loss on train text");
    field("calibration", calibration, "file",
          "of rounding gptq and sensitivity fisher: where the use of the weights is kept that is "
          "measured on train text (--use.*); none: <model>.calibration-<digest>.safetensors");
    field("compare-tokens", compare_tokens, "tokens",
          "of the valid split, on which the summary holds the loss of every pass against the "
          "unpacked model's; 0: none");
    quantiser.visit(field);
  }
};

/// A terabyte, far above any model: sums of sizes stay far from overflowing.
inline constexpr int64_t kMostArtifactBytes = 1'000'000'000'000;

/// Whether errors are weighed by a Fisher diagonal: where they decide who gets the bits.
bool weighs_by_fisher(const PackOptions& options);

/// Whether packing by these options needs a calibration of the model.
bool uses_calibration(const PackOptions& options);

/// Throws kUsage, in one line, where a value is out of range.
void validate(const PackOptions& options);

}  // namespace reprise
