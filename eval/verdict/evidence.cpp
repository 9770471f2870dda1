#include "eval/verdict/evidence.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/trace/check_record.h"
#include "eval/trace/reader.h"

namespace reprise {
namespace {

/// The likelihoods scored under a policy; empty in a trace without a second pass.
const std::vector<float>& likelihoods(const TokenColumns& tokens, Policy policy) {
  switch (policy) {
    case Policy::kGated:
      return tokens.nll_gated;
    case Policy::kRandom:
      return tokens.nll_random;
    case Policy::kAll:
      return tokens.nll_all;
    case Policy::kNone:
      break;
  }
  return tokens.nll_base;
}

const std::vector<double>& sums_of(const DocumentColumns& documents, Policy policy) {
  switch (policy) {
    case Policy::kGated:
      return documents.nats_gated;
    case Policy::kRandom:
      return documents.nats_random;
    case Policy::kAll:
      return documents.nats_all;
    case Policy::kNone:
      break;
  }
  return documents.nats_base;
}

bool refines(const TokenColumns& tokens, Policy policy, size_t i) {
  switch (policy) {
    case Policy::kGated:
      return tokens.refined[i] != 0;
    case Policy::kRandom:
      return tokens.random[i] != 0;
    case Policy::kAll:
      return true;
    case Policy::kNone:
      break;
  }
  return false;
}

DocumentScores whole(const DocumentColumns& documents, Policy policy) {
  DocumentScores scores;
  const auto& nats = sums_of(documents, policy);
  for (size_t d = 0; d < nats.size(); ++d)
    scores.push_back({{nats[d]}, {static_cast<int64_t>(documents.bytes[d])}});
  return scores;
}

DocumentScores within(const Trace& trace, Policy policy, Slice slice) {
  const auto& nll = likelihoods(trace.tokens, policy);
  DocumentScores scores(nll.empty() ? 0 : trace.documents.tokens.size());
  for (size_t i = 0; i < nll.size(); ++i) {
    if (!(trace.tokens.slices[i] & static_cast<uint32_t>(slice))) continue;
    auto& score = scores[trace.tokens.document[i]];
    score.nats += Nats{nll[i]};
    score.bytes += Bytes{trace.tokens.bytes[i]};
  }
  return scores;
}

/// Under the coarse rule a refined position sees the same keys whichever others are refined
/// (docs/refinement.md), so that the column of the dense second pass says what the gate's own pass
/// predicted there, up to rounding: sparse_equals_dense compares the two in every evaluation. Under
/// another rule every policy needs a column of its own; require_known_rule() keeps those out.
Corrections corrections(const TokenColumns& tokens, Policy policy) {
  Corrections found;
  const auto& nll = likelihoods(tokens, policy);
  for (size_t i = 0; i < nll.size(); ++i) {
    if (!refines(tokens, policy, i)) continue;
    ++found.tokens;
    const bool before = tokens.top1_base[i] != 0, after = tokens.top1_all[i] != 0;
    ++(before ? (after ? found.still_right : found.broken)
              : (after ? found.fixed : found.still_wrong));
    const double change_nats = double{nll[i]} - double{tokens.nll_base[i]};
    (change_nats < 0 ? found.saved : found.lost) += Nats{std::abs(change_nats)};
  }
  return found;
}

/// Corrections of every policy are read from the columns of the pass over all positions
/// (docs/refinement.md): so they hold under the coarse rule, and under no rule this program does
/// not know.
void require_known_rule(const Trace& trace, const std::filesystem::path& path) {
  require(trace.attributes.refinement_rule == kCoarseRule, ExitCode::kInvalidTrace, path.string(),
          ": refined under the rule '", trace.attributes.refinement_rule, "'; only under '",
          kCoarseRule,
          "' do the columns of all positions tell what a gate's own pass predicted; evaluate it "
          "with --eval.key-rule coarse, one refinement pass and the coda again");
}

}  // namespace

Corrections& Corrections::operator+=(const Corrections& other) {
  tokens += other.tokens;
  fixed += other.fixed;
  broken += other.broken;
  still_right += other.still_right;
  still_wrong += other.still_wrong;
  saved += other.saved;
  lost += other.lost;
  return *this;
}

const DocumentScores& Evidence::scores(Policy policy, std::optional<Slice> slice) const {
  size_t row = 0;
  if (slice) {
    const auto& names = EnumNames<Slice>::names;
    row =
        1 + static_cast<size_t>(std::ranges::find(names, *slice, [](auto& n) { return n.first; }) -
                                names.begin());
  }
  return sums[row][static_cast<size_t>(policy)];
}

/// What a model or its gate was fitted on decides no claim about either.
void require_unseen_text(const TraceAttributes& attributes, const std::filesystem::path& path) {
  require(attributes.split != "train", ExitCode::kInvalidTrace, path.string(),
          ": of the train split; evaluate text the model was not trained on");
  require(attributes.gate_calibrated_on.empty() ||
              attributes.gate_calibrated_on != attributes.corpus_digest,
          ExitCode::kInvalidTrace, path.string(),
          ": of the text the gate's threshold was set on; evaluate another split");
}

Evidence load_evidence(const std::filesystem::path& path) {
  const Trace trace = read_trace(path);
  require_unseen_text(trace.attributes, path);
  require_checks_passed(trace.attributes.checks, trace.passes, path.string());
  if (trace.passes == Passes::kRefined) require_known_rule(trace, path);
  Evidence evidence;
  evidence.path = path.string();
  evidence.attributes = trace.attributes;
  evidence.refined = trace.passes == Passes::kRefined;
  evidence.documents = trace.documents.hash;
  evidence.tokens = static_cast<int64_t>(trace.tokens.token.size());
  for (const auto& [policy, _] : EnumNames<Policy>::names) {
    const auto column = static_cast<size_t>(policy);
    evidence.sums[0][column] = whole(trace.documents, policy);
    size_t row = 1;
    for (const auto& [slice, name] : EnumNames<Slice>::names)
      evidence.sums[row++][column] = within(trace, policy, slice);
    if (evidence.refined) evidence.corrections[column] = corrections(trace.tokens, policy);
  }
  return evidence;
}

}  // namespace reprise
