#include "eval/verdict/evidence.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/trace/reader.h"

namespace reprise {
namespace {

constexpr double kEqualBytes = 0.001;

/// What every evaluation checks (eval/checks.h); a trace that lacks one was not taken by it.
constexpr const char* kChecks[] = {"causality_prediction", "causality_gate", "causality_refined",
                                   "normalisation", "sparse_equals_dense"};

/// The likelihoods scored under a gate; empty in a trace without a second pass.
const std::vector<float>& likelihoods(const TokenColumns& tokens, Gate gate) {
  switch (gate) {
    case Gate::kGated:
      return tokens.nll_gated;
    case Gate::kRandom:
      return tokens.nll_random;
    case Gate::kAll:
      return tokens.nll_all;
    case Gate::kNone:
      break;
  }
  return tokens.nll_base;
}

const std::vector<double>& sums_of(const DocumentColumns& documents, Gate gate) {
  switch (gate) {
    case Gate::kGated:
      return documents.nats_gated;
    case Gate::kRandom:
      return documents.nats_random;
    case Gate::kAll:
      return documents.nats_all;
    case Gate::kNone:
      break;
  }
  return documents.nats_base;
}

bool refines(const TokenColumns& tokens, Gate gate, size_t i) {
  switch (gate) {
    case Gate::kGated:
      return tokens.refined[i] != 0;
    case Gate::kRandom:
      return tokens.random[i] != 0;
    case Gate::kAll:
      return true;
    case Gate::kNone:
      break;
  }
  return false;
}

DocumentScores whole(const DocumentColumns& documents, Gate gate) {
  DocumentScores scores;
  const auto& nats = sums_of(documents, gate);
  for (size_t d = 0; d < nats.size(); ++d)
    scores.push_back({{nats[d]}, {static_cast<int64_t>(documents.bytes[d])}});
  return scores;
}

DocumentScores within(const Trace& trace, Gate gate, Slice slice) {
  const auto& nll = likelihoods(trace.tokens, gate);
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
/// predicted there.
Corrections corrections(const TokenColumns& tokens, Gate gate) {
  Corrections found;
  const auto& nll = likelihoods(tokens, gate);
  for (size_t i = 0; i < nll.size(); ++i) {
    if (!refines(tokens, gate, i)) continue;
    ++found.tokens;
    const bool before = tokens.top1_base[i] != 0, after = tokens.top1_all[i] != 0;
    ++(before ? (after ? found.still_right : found.broken)
              : (after ? found.fixed : found.still_wrong));
    const double change_nats = double{nll[i]} - double{tokens.nll_base[i]};
    (change_nats < 0 ? found.saved : found.lost) += Nats{std::abs(change_nats)};
  }
  return found;
}

void require_checks_passed(const Evidence& evidence) {
  const auto& checks = evidence.attributes.checks;
  for (const char* name : kChecks)
    require(checks.is_object() && checks.contains(name), ExitCode::kInvalidTrace, evidence.path,
            ": records no check '", name, "'; evaluate the artifact again");
  for (const auto& [name, check] : checks.items())
    require(check.is_object() && check.value("passed", false), ExitCode::kInvalidTrace,
            evidence.path, ": the check '", name,
            "' did not pass when the trace was taken; no verdict rests on it");
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

const DocumentScores& Evidence::scores(Gate gate, std::optional<Slice> slice) const {
  size_t row = 0;
  if (slice) {
    const auto& names = EnumNames<Slice>::names;
    row =
        1 + static_cast<size_t>(std::ranges::find(names, *slice, [](auto& n) { return n.first; }) -
                                names.begin());
  }
  return sums[row][static_cast<size_t>(gate)];
}

Evidence load_evidence(const std::filesystem::path& path) {
  const Trace trace = read_trace(path);
  Evidence evidence;
  evidence.path = path.string();
  evidence.attributes = trace.attributes;
  evidence.refined = trace.passes == Passes::kRefined;
  evidence.documents = trace.documents.hash;
  evidence.tokens = static_cast<int64_t>(trace.tokens.token.size());
  for (const auto& [gate, _] : EnumNames<Gate>::names) {
    const auto column = static_cast<size_t>(gate);
    evidence.sums[0][column] = whole(trace.documents, gate);
    size_t row = 1;
    for (const auto& [slice, name] : EnumNames<Slice>::names)
      evidence.sums[row++][column] = within(trace, gate, slice);
    if (evidence.refined) evidence.corrections[column] = corrections(trace.tokens, gate);
  }
  require_checks_passed(evidence);
  return evidence;
}

void require_same_text(const std::vector<Evidence>& traces) {
  const auto same = [&](const Evidence& trace, const auto& first, const auto& own,
                        std::string_view what) {
    require(first == own, ExitCode::kInvalidTrace, trace.path, " and ", traces[0].path,
            " differ in their ", what, "; evaluate both on the same split of the same corpus");
  };
  const TraceAttributes& first = traces.at(0).attributes;
  for (const auto& trace : traces) {
    same(trace, first.tokenizer_sha256, trace.attributes.tokenizer_sha256, "tokenizer");
    same(trace, first.corpus_digest, trace.attributes.corpus_digest, "corpus");
    same(trace, first.split, trace.attributes.split, "split");
    same(trace, first.early_tokens, trace.attributes.early_tokens, "slice early");
    same(trace, first.rare_share, trace.attributes.rare_share, "slice rare");
    same(trace, traces[0].documents, trace.documents, "documents");
    same(trace, traces[0].tokens, trace.tokens, "number of tokens");
  }
}

void require_equal_bytes(const std::vector<Evidence>& traces) {
  const auto bytes = [](const Evidence& trace) { return trace.attributes.artifact_bytes; };
  const auto [least, most] = std::ranges::minmax_element(traces, {}, bytes);
  const int64_t apart = bytes(*most) - bytes(*least);
  require(static_cast<double>(apart) <= kEqualBytes * static_cast<double>(bytes(*most)),
          ExitCode::kInvalidTrace, "the artifacts of ", least->path, " and ", most->path, " have ",
          bytes(*least), " and ", bytes(*most), " bytes, ", apart,
          " apart where 0.1 % is allowed; pack both to the same target");
}

}  // namespace reprise
