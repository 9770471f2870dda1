#include "tests/analysis/synthetic_arms.h"

#include <cmath>
#include <numbers>

#include "base/digest.h"
#include "base/random.h"
#include "eval/trace/check_record.h"
#include "eval/trace/writer.h"

namespace reprise {
namespace {

constexpr uint64_t kTextSeed = 21;
constexpr uint32_t kBytes = 2;   // of every token: makes an effect per byte easy to place
constexpr uint32_t kEvery = 10;  // one token in so many is refined
constexpr uint32_t kFirst = 5;   // the first of a document, so that one in kEvery is on average

/// Effects per token of one document, in nats; a refined token carries those of kEvery.
struct DocumentEffects {
  double shift, gated_gain, random_gain;
};

DocumentEffects effects_of(const SyntheticArm& arm, uint64_t document) {
  const RandomStream own(kTextSeed + 1 + arm.training_seed, Purpose::kTest,
                         static_cast<uint32_t>(document));
  const double nats_per_token = std::numbers::ln2 * kBytes;
  const auto effect = [&](double mean_bpb, uint64_t position) {
    return nats_per_token * (mean_bpb + arm.noise_bpb * own.normal(position));
  };
  return {effect(arm.shift_bpb, 0), effect(arm.gated_gain_bpb, 1), effect(arm.random_gain_bpb, 2)};
}

/// The control refines the token behind each that the gate refines; so the gate leaves out a
/// document's last one.
void add_refinement(TokenColumns& t, const DocumentEffects& effects, uint32_t tokens) {
  const uint32_t position = t.position.back();
  const bool refined = position % kEvery == kFirst && position < tokens,
             random = position % kEvery == kFirst + 1;
  const float base = t.nll_base.back();
  const double gain = refined  ? effects.gated_gain
                      : random ? effects.random_gain
                               : effects.gated_gain / 2;
  const float all = base - static_cast<float>(gain * kEvery);
  t.nll_all.push_back(all);
  t.nll_gated.push_back(refined ? all : base);
  t.nll_random.push_back(random ? all : base);
  t.entropy_all.push_back(all);
  t.margin_all.push_back(0.5f);
  t.top1_all.push_back(all < 2.5f);
  for (auto* signal : {&t.max_probability, &t.residual, &t.cosine, &t.divergence, &t.entropy_change,
                       &t.second_order, &t.early_disagreement})
    signal->push_back(base / 8);
  t.flip.push_back(refined);
  t.refined.push_back(refined);
  t.random.push_back(random);
  t.passes.back() += refined;
}

/// The next of a document's `tokens`.
void add_token(Trace& trace, const SyntheticArm& arm, uint32_t document, uint32_t position,
               uint32_t tokens) {
  const RandomStream text(kTextSeed, Purpose::kTest, document);
  const DocumentEffects effects = effects_of(arm, document);
  auto& t = trace.tokens;
  t.token.push_back(
      static_cast<uint16_t>(3 + text.below(2 * position, static_cast<uint64_t>(arm.vocab - 3))));
  t.bytes.push_back(kBytes);
  t.document.push_back(document);
  t.position.push_back(position);
  t.nll_base.push_back(static_cast<float>(2 + text.uniform(2 * position + 1) + effects.shift));
  t.entropy_base.push_back(t.nll_base.back());
  t.margin_base.push_back(0.25f);
  t.top1_base.push_back(t.nll_base.back() < 2.45f);
  t.passes.push_back(1);
  t.slices.push_back((position <= 16 ? static_cast<uint32_t>(Slice::kEarly) : 0) |
                     (t.token.back() % 7 == 0 ? static_cast<uint32_t>(Slice::kRare) : 0));
  if (arm.passes == Passes::kRefined) add_refinement(t, effects, tokens);
}

double sum(const std::vector<float>& values, size_t first) {
  double total = 0;
  for (size_t i = first; i < values.size(); ++i) total += values[i];
  return total;
}

uint32_t count(const std::vector<uint8_t>& flags, size_t first) {
  uint32_t total = 0;
  for (size_t i = first; i < flags.size(); ++i) total += flags[i];
  return total;
}

void close_document(Trace& trace, uint32_t document, size_t first) {
  const auto& t = trace.tokens;
  auto& d = trace.documents;
  const auto tokens = static_cast<uint32_t>(t.token.size() - first);
  d.first_token.push_back(first);
  d.tokens.push_back(tokens);
  d.bytes.push_back(uint64_t{kBytes} * tokens);
  d.hash.push_back(to_hex(sha256(concat("document ", document))));
  d.domain.push_back(static_cast<uint16_t>(document % 2));
  d.nats_base.push_back(sum(t.nll_base, first));
  if (trace.passes == Passes::kBaseOnly) return;
  d.nats_gated.push_back(sum(t.nll_gated, first));
  d.nats_all.push_back(sum(t.nll_all, first));
  d.nats_random.push_back(sum(t.nll_random, first));
  d.refined.push_back(count(t.refined, first));
  d.random.push_back(count(t.random, first));
}

}  // namespace

Trace make_trace(const SyntheticArm& arm) {
  Trace trace;
  trace.passes = arm.passes;
  for (uint32_t document = 0; document < arm.documents; ++document) {
    const size_t first = trace.tokens.token.size();
    const auto tokens =
        static_cast<uint32_t>(40 + RandomStream(kTextSeed, Purpose::kTest, document).below(0, 160));
    for (uint32_t position = 1; position <= tokens; ++position)
      add_token(trace, arm, document, position, tokens);
    close_document(trace, document, first);
  }
  auto& a = trace.attributes;
  a.artifact_sha256 = to_hex(sha256(concat("artifact ", arm.training_seed, arm.shift_bpb)));
  a.artifact_bytes = arm.artifact_bytes;
  a.tokenizer_sha256 = to_hex(sha256("tokenizer"));
  a.corpus_digest = to_hex(sha256("corpus"));
  a.split = "test";
  a.domains = {"python", "perl"};
  a.early_tokens = 16;
  a.rare_share = 0.1;
  const bool refined = arm.passes == Passes::kRefined;
  a.configuration = {{"eval",
                      {{"artifact", "arm.reprise"},
                       {"window", 64},
                       {"stride", 32},
                       {"batch-tokens", 8192},
                       {"precision", "fp32"},
                       {"device", "cpu"},
                       {"refine", "auto"}}},
                     {"model", {{"family", refined ? "recurrent" : "static"}}}};
  a.refined_fraction = a.random_fraction = refined ? 0.1 : 0;
  if (refined) a.refinement_rule = kCoarseRule;
  const auto cost = [](double share) {
    return nlohmann::json{{"seconds", 2 * share},
                          {"nominal_flops", 3e9 * share},
                          {"executed_flops", 4e9 * share},
                          {"tokens", 1000 * share},
                          {"peak_bytes", 5'000'000}};
  };
  a.accounting = {{"base", cost(1)}};
  if (refined)
    a.accounting.update({{"gated", cost(0.1)}, {"all", cost(1)}, {"sparse_over_ideal", 1.25}});
  for (const auto& [check, name] : EnumNames<Check>::names)
    a.checks[std::string(name)] =
        applies(check, arm.passes) ? check_record(0.0, 1e-6) : check_record({}, 1e-6);
  return trace;
}

std::string write_synthetic(const std::filesystem::path& path, const SyntheticArm& arm) {
  const Trace trace = make_trace(arm);
  write_trace(path, trace.passes, trace.tokens, trace.documents, trace.attributes);
  return path.string();
}

}  // namespace reprise
