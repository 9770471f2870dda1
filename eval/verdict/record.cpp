#include "eval/verdict/record.h"

#include <nlohmann/json.hpp>

#include "eval/bits_per_byte.h"
#include "eval/verdict/words.h"

namespace reprise {
namespace {

using nlohmann::json;

json interval_json(const Interval& interval) { return {interval.low, interval.high}; }

/// The same fields as of any contrast; what was not measured is null.
json absent_json(const Contrast& slice) {
  json entry{{"name", slice.name},
             {"because", reason_words(slice)},
             {"asserts", "improvement"},
             {"documents", slice.effect.documents}};
  for (const char* field :
       {"verdict", "difference_bpb", "interval_bpb", "confidence", "delta_standard_error_bpb",
        "seeds", "interval_over", "p_beyond_margin", "p_tost", "p_holm"})
    entry[field] = nullptr;
  return entry;
}

json contrast_json(const Contrast& contrast) {
  if (!contrast.measured()) return absent_json(contrast);
  const Effect& effect = contrast.effect;
  json entry{
      {"name", contrast.name},
      {"verdict", verdict_word(contrast.decision.verdict)},
      {"because", reason_words(contrast)},
      {"asserts", contrast.rule.kind == ClaimKind::kImprovement ? "improvement" : "no difference"},
      {"difference_bpb", effect.estimate},
      {"interval_bpb", interval_json(contrast.decision.interval)},
      {"confidence", contrast.rule.confidence},
      {"delta_standard_error_bpb", effect.delta_standard_error},
      {"documents", effect.documents},
      {"seeds", effect.seeds},
      {"interval_over", effect.over_seeds ? "seeds and documents" : "documents"},
      {"p_beyond_margin", contrast.decision.p_beyond},
      {"p_tost", contrast.decision.p_tost}};
  if (contrast.p_holm) entry["p_holm"] = *contrast.p_holm;
  if (contrast.needed)
    entry["would_settle"] = {{"documents", contrast.needed->documents},
                             {"seeds", contrast.needed->seeds}};
  return entry;
}

json contrasts_json(const std::vector<Contrast>& contrasts) {
  json entries = json::array();
  for (const auto& contrast : contrasts) entries.push_back(contrast_json(contrast));
  return entries;
}

json claims_json(const std::vector<Claim>& claims, const VerdictOptions& options) {
  json entries = json::array();
  for (const auto& claim : claims)
    entries.push_back(
        {{"id", claim_name(claim.id)},
         {"primary", claim.id == options.primary},
         {"claim", claim.text},
         {"verdict", verdict_word(claim.primary.decision.verdict)},
         {"found", found_words(claim.primary)},
         {"scope", scope_words(claim.primary.effect)},
         {"arms", claim.id == ClaimId::kC1 ? json{"recurrent", "static"} : json{"recurrent"}},
         {"contrast", contrast_json(claim.primary)},
         {"slices", contrasts_json(claim.slices)},
         {"beside", contrasts_json(claim.beside)}});
  return entries;
}

json traces_json(const std::vector<Evidence>& traces) {
  json entries = json::array();
  for (const auto& trace : traces)
    entries.push_back({{"path", trace.path},
                       {"artifact_sha256", trace.attributes.artifact_sha256},
                       {"artifact_bytes", trace.attributes.artifact_bytes},
                       {"refined_fraction", trace.attributes.refined_fraction},
                       {"random_fraction", trace.attributes.random_fraction},
                       {"configuration_digest", trace.attributes.configuration_digest},
                       {"accounting", trace.attributes.accounting},
                       {"checks", trace.attributes.checks}});
  return entries;
}

json text_json(const Evidence& trace) {
  Bytes bytes;
  for (const auto& document : trace.scores(Policy::kNone)) bytes += document.bytes;
  return {{"split", trace.attributes.split},
          {"corpus_digest", trace.attributes.corpus_digest},
          {"tokenizer_sha256", trace.attributes.tokenizer_sha256},
          {"documents", trace.documents.size()},
          {"tokens", trace.tokens},
          {"bytes", bytes.value}};
}

json scores_json(const std::vector<ArmScore>& scores, double confidence) {
  json entries = json::array();
  for (const auto& score : scores)
    entries.push_back(
        {{"arm", score.arm},
         {"gate", enum_name(score.policy)},
         {"bpb", score.effect.estimate},
         {"interval_bpb", interval_json(score.effect.distribution->interval(confidence))},
         {"delta_standard_error_bpb", score.effect.delta_standard_error},
         {"nats_per_token", score.nats_per_token},
         {"seeds", score.effect.seeds}});
  return entries;
}

json corrections_json(const Assessment& assessment) {
  json entries = json::array();
  for (const auto& [policy, found] : assessment.corrections)
    entries.push_back({{"gate", enum_name(policy)},
                       {"tokens", found.tokens},
                       {"fixed", found.fixed},
                       {"broken", found.broken},
                       {"still_right", found.still_right},
                       {"still_wrong", found.still_wrong},
                       {"bits_saved", to_bits(found.saved).value},
                       {"bits_lost", to_bits(found.lost).value},
                       {"bits_net", to_bits(found.saved - found.lost).value}});
  return entries;
}

}  // namespace

json verdict_record(const Assessment& assessment, const Arms& arms, const VerdictOptions& options) {
  return {{"schema", 1},
          {"margin_bpb", options.margin_bpb},
          {"confidence", options.confidence},
          {"claims", claims_json(assessment.claims, options)},
          {"scores", scores_json(assessment.scores, options.confidence)},
          {"corrections", corrections_json(assessment)},
          {"text", text_json(arms.recurrent.at(0))},
          {"traces",
           {{"recurrent", traces_json(arms.recurrent)}, {"static", traces_json(arms.static_arm)}}}};
}

}  // namespace reprise
