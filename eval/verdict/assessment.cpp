#include "eval/verdict/assessment.h"

#include <algorithm>

#include "base/error.h"
#include "eval/stats/multiplicity.h"
#include "eval/verdict/comparable.h"

namespace reprise {
namespace {

/// An arm's traces read under one policy.
struct Scoring {
  const std::vector<Evidence>* traces;
  Policy policy;
};

std::vector<DocumentScores> by_seed(const Scoring& scoring, std::optional<Slice> slice = {}) {
  std::vector<DocumentScores> scores;
  for (const auto& trace : *scoring.traces) scores.push_back(trace.scores(scoring.policy, slice));
  return scores;
}

std::vector<DocumentScores> differences(const Scoring& claimed, const Scoring& rival,
                                        std::optional<Slice> slice) {
  const auto first = by_seed(claimed, slice), second = by_seed(rival, slice);
  std::vector<DocumentScores> found;
  for (size_t seed = 0; seed < first.size(); ++seed)
    found.push_back(difference(first[seed], second[seed]));
  return found;
}

class Assessor {
 public:
  Assessor(const Arms& arms, const VerdictOptions& options)
      : arms_(arms),
        options_(options),
        bootstrap_{options.draws, static_cast<uint64_t>(options.seed)} {}

  Assessment run() const {
    Assessment assessment;
    if (!arms_.static_arm.empty()) assessment.claims.push_back(c1());
    assessment.claims.push_back(c3());
    for (const auto& [policy, _] : EnumNames<Policy>::names)
      assessment.scores.push_back(score("recurrent", {&arms_.recurrent, policy}));
    if (!arms_.static_arm.empty())
      assessment.scores.push_back(score("static", {&arms_.static_arm, Policy::kNone}));
    for (const Policy policy : {Policy::kGated, Policy::kRandom, Policy::kAll})
      assessment.corrections.emplace_back(policy, corrections(policy));
    return assessment;
  }

 private:
  Claim c1() const {
    const Scoring gated{&arms_.recurrent, Policy::kGated}, rival{&arms_.static_arm, Policy::kNone};
    Claim claim{ClaimId::kC1,
                "at equal artifact bytes, a recurrent model with one gated second pass beats a "
                "static model",
                contrast("recurrent, gated − static", gated, rival),
                family(gated, rival),
                {}};
    claim.beside = {
        contrast("recurrent, one pass − static", {&arms_.recurrent, Policy::kNone}, rival),
        contrast("recurrent, all refined − static", {&arms_.recurrent, Policy::kAll}, rival)};
    if (refined_tokens() == 0) leave_open(claim, "the gate refined no token here");
    return claim;
  }

  Claim c3() const {
    const Scoring gated{&arms_.recurrent, Policy::kGated},
        random{&arms_.recurrent, Policy::kRandom};
    Claim claim{ClaimId::kC3,
                "a second pass where the gate asks beats as many second passes at random positions",
                contrast("gated − as many at random", gated, random),
                family(gated, random),
                {}};
    claim.beside = {contrast("gated − one pass", gated, {&arms_.recurrent, Policy::kNone}),
                    contrast("gated − all refined", gated, {&arms_.recurrent, Policy::kAll},
                             ClaimKind::kNoDifference)};
    const int64_t refined = refined_tokens();
    if (refined == 0 || refined == all_tokens())
      leave_open(claim, concat("the gate refined ", refined == 0 ? "no" : "every",
                               " token here, so that no other choice was possible"));
    return claim;
  }

  /// Over all seeds of the recurrent arm.
  int64_t refined_tokens() const { return corrections(Policy::kGated).tokens; }
  int64_t all_tokens() const {
    int64_t tokens = 0;
    for (const auto& trace : arms_.recurrent) tokens += trace.tokens;
    return tokens;
  }

  /// What was not put to the test is decided by no interval.
  static void leave_open(Claim& claim, const std::string& reason) {
    const auto open = [&](Contrast& contrast) {
      contrast.decision.verdict = Verdict::kInconclusive;
      contrast.untested = reason;
      contrast.needed.reset();
    };
    open(claim.primary);
    for (auto& slice : claim.slices)
      if (slice.measured()) open(slice);
  }

  DecisionRule rule(ClaimKind kind) const {
    return {kind, options_.margin_bpb, options_.confidence};
  }

  Contrast contrast(std::string name, const Scoring& claimed, const Scoring& rival,
                    ClaimKind kind = ClaimKind::kImprovement) const {
    Contrast found{std::move(name),
                   rule(kind),
                   measure(differences(claimed, rival, {}), bootstrap_),
                   {},
                   {},
                   {},
                   {}};
    found.decision = decide(*found.effect.distribution, found.rule);
    conclude(found);
    return found;
  }

  /// The declared slices, each as far as it has text.
  std::vector<Contrast> slices_of(const Scoring& claimed, const Scoring& rival) const {
    std::vector<Contrast> found;
    for (const auto& name : options_.slices) {
      Contrast slice{name, rule(ClaimKind::kImprovement), {}, {}, {}, {}, {}};
      const auto by_seed = differences(claimed, rival, parse_enum<Slice>(name));
      slice.effect.documents = count_with_text(by_seed.at(0));
      if (slice.effect.documents >= kMeasurableDocuments)
        slice.effect = measure(by_seed, bootstrap_);
      found.push_back(std::move(slice));
    }
    return found;
  }

  /// Holm decides 'supported'; the other words rest on intervals that hold for the whole family at
  /// once (Bonferroni), since Holm's procedure has none. A slice without text tests nothing, so the
  /// family is made of the others.
  std::vector<Contrast> family(const Scoring& claimed, const Scoring& rival) const {
    std::vector<Contrast> slices = slices_of(claimed, rival);
    std::vector<Contrast*> members;
    for (auto& slice : slices)
      if (slice.measured()) members.push_back(&slice);
    std::vector<double> p_values;
    for (Contrast* slice : members) {
      slice->rule.confidence = 1 - (1 - options_.confidence) / static_cast<double>(members.size());
      slice->decision = decide(*slice->effect.distribution, slice->rule);
      p_values.push_back(slice->decision.p_beyond);
    }
    const auto adjusted = holm(p_values);
    for (size_t i = 0; i < members.size(); ++i) {
      members[i]->p_holm = adjusted[i];
      if (adjusted[i] <= (1 - options_.confidence) / 2)
        members[i]->decision.verdict = Verdict::kSupported;
      conclude(*members[i]);
    }
    return slices;
  }

  /// What the statistics cannot know: that documents are too few to trust them. Then what would
  /// settle it.
  void conclude(Contrast& contrast) const {
    if (contrast.effect.documents < kFewestDocuments)
      contrast.decision.verdict = Verdict::kInconclusive;
    if (contrast.decision.verdict != Verdict::kInconclusive) return;
    contrast.needed = sample_to_settle(contrast.effect.estimate, contrast.effect.variance(),
                                       contrast.rule, options_.power);
    if (contrast.needed)
      contrast.needed->documents = std::max(contrast.needed->documents, kFewestDocuments);
  }

  ArmScore score(std::string arm, const Scoring& scoring) const {
    ArmScore found{std::move(arm), scoring.policy, measure(by_seed(scoring), bootstrap_), 0};
    const auto& traces = *scoring.traces;
    for (const auto& trace : traces)
      for (const auto& document : trace.scores(scoring.policy))
        found.nats_per_token +=
            document.nats.value / static_cast<double>(trace.tokens * std::ssize(traces));
    return found;
  }

  Corrections corrections(Policy policy) const {
    Corrections sum;
    for (const auto& trace : arms_.recurrent) sum += trace.corrections[static_cast<size_t>(policy)];
    return sum;
  }

  const Arms& arms_;
  const VerdictOptions& options_;
  BootstrapOptions bootstrap_;
};

void require_traces(const Arms& arms, const VerdictOptions& options) {
  require(!arms.recurrent.empty(), ExitCode::kUsage, "verdict.recurrent names no trace");
  require(arms.static_arm.empty() || arms.static_arm.size() == arms.recurrent.size(),
          ExitCode::kUsage,
          "verdict.recurrent and verdict.static need a trace for each seed, as many of one as of "
          "the other");
  require(options.primary != ClaimId::kC1 || !arms.static_arm.empty(), ExitCode::kUsage,
          "claim c1 is primary and verdict.static names no trace");
}

}  // namespace

Assessment assess(const Arms& arms, const VerdictOptions& options) {
  validate(options);
  require_traces(arms, options);
  std::vector<Evidence> all = arms.recurrent;
  all.insert(all.end(), arms.static_arm.begin(), arms.static_arm.end());
  require_same_text(all);
  require_same_scoring(all);
  require_families(arms.recurrent, ArmKind::kLooped);
  require_families(arms.static_arm, ArmKind::kOnce);
  require_distinct_artifacts(arms.recurrent);
  require_distinct_artifacts(arms.static_arm);
  require_equal_bytes(all);
  for (const auto& trace : arms.recurrent)
    require(trace.refined, ExitCode::kInvalidTrace, trace.path,
            ": evaluated without a second pass; the recurrent arm needs one");
  return Assessor(arms, options).run();
}

}  // namespace reprise
