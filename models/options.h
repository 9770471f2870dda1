// The shape of a model. Everything that changes its parameters or its arithmetic is here, and
// nothing else.
#pragma once

#include <cstdint>

#include "base/options.h"

namespace reprise {

/// What each is made of is said in one place, models/pass_plan.cpp.
enum class Family { kStatic, kRecurrent, kRelaxed, kMoe, kPartial };
template <>
struct EnumNames<Family> {
  static constexpr std::array names{
      std::pair{Family::kStatic, "static"}, std::pair{Family::kRecurrent, "recurrent"},
      std::pair{Family::kRelaxed, "relaxed"}, std::pair{Family::kMoe, "moe"},
      std::pair{Family::kPartial, "partial"}};
};
/// Whether its base passes run the core more than once.
constexpr bool loops(Family family) {
  return family != Family::kStatic && family != Family::kPartial;
}

/// Where a layer normalises beside QK-norm.
enum class NormPlacement { kPre, kSandwich, kPeri };
template <>
struct EnumNames<NormPlacement> {
  static constexpr std::array names{std::pair{NormPlacement::kPre, "pre"},
                                    std::pair{NormPlacement::kSandwich, "sandwich"},
                                    std::pair{NormPlacement::kPeri, "peri"}};
};

/// How a pass sees again what the core began with.
enum class Reinjection { kNone, kMix, kProject, kBounded };
template <>
struct EnumNames<Reinjection> {
  static constexpr std::array names{
      std::pair{Reinjection::kNone, "none"}, std::pair{Reinjection::kMix, "mix"},
      std::pair{Reinjection::kProject, "project"}, std::pair{Reinjection::kBounded, "bounded"}};
};

/// What is read out of the passes: the state of the last one, or the sum of what each pass adds.
enum class Readout { kLast, kSum };
template <>
struct EnumNames<Readout> {
  static constexpr std::array names{std::pair{Readout::kLast, "last"},
                                    std::pair{Readout::kSum, "sum"}};
};

/// What a position that halts takes: the halting-weighted mean of its states, or one of them.
enum class Halting { kNone, kMixture, kExit };
template <>
struct EnumNames<Halting> {
  static constexpr std::array names{std::pair{Halting::kNone, "none"},
                                    std::pair{Halting::kMixture, "mixture"},
                                    std::pair{Halting::kExit, "exit"}};
};

/// Of the moe family: the MLP of a layer of the core is `count` small ones, of which a token takes
/// `top_k`; its value and output projections may be such mixtures too, by head.
struct ExpertOptions {
  int64_t count = 0, top_k = 0, width = 0;
  int64_t attention_count = 0, attention_top_k = 0;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("experts", count, "experts", "moe: in the MLP of each layer of the core");
    field("top-k", top_k, "experts", "moe: that each token takes");
    field("expert-width", width, "channels", "moe: width inside an expert");
    field("attention-experts", attention_count, "experts",
          "moe: of each head's value and output projections; 0: those are dense");
    field("attention-top-k", attention_top_k, "experts", "moe: of those, that each token takes");
  }
};

struct ModelOptions {
  Family family = Family::kRecurrent;
  int64_t vocab = 1024, width = 256, heads = 4, kv_heads = 2;
  int64_t mlp_ratio = 2;
  int64_t prelude = 1, core = 2, coda = 1, passes = 2;
  int64_t context = 512;
  double rope_share = 1.0, rope_base = 10000, softcap = 30;
  bool tied = true, skips = false;
  int64_t embedding_rank = 0, lora_rank = 0;
  ExpertOptions experts = {};
  int64_t basis_rank = 0, basis_terms = 0;
  NormPlacement norm = NormPlacement::kPre;
  bool projection_norm = false;
  Reinjection reinjection = Reinjection::kNone;
  bool pass_embedding = false, film = false, pass_mixing = false;
  Readout readout = Readout::kLast;
  Halting halting = Halting::kNone;
  double halt_threshold = 0.5;
  int64_t halt_floor = 1;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("family", family, "",
          "static: every layer runs once; recurrent: the core layers run again at every pass; "
          "relaxed: with a low-rank change and scalars of each pass's own; moe: with experts for "
          "MLPs; partial: every layer runs once, and all MLPs are built from one basis");
    field("vocab", vocab, "tokens", "vocabulary; must be the tokenizer's");
    field("width", width, "channels", "width of the residual stream");
    field("heads", heads, "heads", "query heads; divides width into an even head width");
    field("kv-heads", kv_heads, "heads", "key/value heads; divides heads");
    field("mlp-ratio", mlp_ratio, "x width", "width inside the MLP");
    field("prelude", prelude, "layers", "unique layers before the core");
    field("core", core, "layers", "layers that a pass runs, and that a refinement pass runs again");
    field("coda", coda, "layers", "unique layers behind the core");
    field("passes", passes, "passes",
          "times the core runs for every token; 1 for the static and partial families");
    field("context", context, "tokens", "longest sequence");
    field("rope-share", rope_share, "share",
          "share of each head's channels that is rotated by position");
    field("rope-base", rope_base, "", "base of the rotary wavelengths");
    field("softcap", softcap, "", "logits are softcap * tanh(logits / softcap)");
    field("tied", tied, "",
          "the head is the embedding; false: a table of its own, which starts at 0");
    field("embedding-rank", embedding_rank, "channels",
          "of the embedding and the head, each with a projection between it and the width; 0: the "
          "width itself");
    field("skips", skips, "",
          "each layer of the first half is also added, by a weight per channel, in front of its "
          "mirror image in the second half");
    field(
        "norm", norm, "",
        "pre: what attention and MLP read; sandwich: also what they give; peri: only what enters a "
        "softmax");
    field("projection-norm", projection_norm, "",
          "normalise also what the output and down projections read");
    field("reinjection", reinjection, "",
          "each pass begins with the stream and what entered the core: mixed per channel, "
          "projected together, or mixed with a decay below 1");
    field("pass-embedding", pass_embedding, "",
          "a vector of each pass, added to the stream it begins with");
    field("film", film, "", "a scale and a shift per channel of each pass");
    field("pass-mixing", pass_mixing, "",
          "each pass ends with a weight of its own times what it made and another times what it "
          "began with; train.freeze-mixing fixes both");
    field("lora-rank", lora_rank, "channels",
          "recurrent, relaxed: of each pass's own change to each matrix of the core; 0: none");
    experts.visit(field);
    field("basis-rank", basis_rank, "vectors", "partial: in the basis that all MLPs share");
    field("basis-terms", basis_terms, "vectors",
          "partial: of the basis, that each row of an MLP's matrices is a sum of");
    field("readout", readout, "",
          "last: of the state after the last pass; sum: the logits of all passes, and of "
          "the refinement pass, added before the cap");
    field("halting", halting, "",
          "what is read out of a position's passes, by a head on its state: mixture: "
          "their mean, weighted as ACT does; exit: the first at which the probability to have "
          "halted reaches halt-threshold");
    field("halt-threshold", halt_threshold, "probability",
          "exit: to have halted, at which a position halts");
    field("halt-floor", halt_floor, "passes", "mixture and exit: nobody halts before this pass");
  }

  int64_t layers() const { return prelude + core + coda; }
  int64_t head_width() const { return width / heads; }
  int64_t table_width() const { return embedding_rank > 0 ? embedding_rank : width; }
  int64_t skip_count() const { return skips ? layers() / 2 : 0; }
};

/// Throws kUsage, in one line, where the options contradict one another.
void validate(const ModelOptions& options);

}  // namespace reprise
