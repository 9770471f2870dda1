#include "eval/options.h"

#include "base/comm/device.h"
#include "base/parallel.h"

namespace reprise {

namespace {

void demand(bool condition, const char* words) { require(condition, ExitCode::kUsage, words); }

}  // namespace

RuleChoice choice_of(KeyRule rule) {
  for (const auto& [choice, name] : EnumNames<RuleChoice>::names)
    if (name == enum_name(rule)) return choice;
  fail(ExitCode::kFailure, "no choice has the name of the rule ", enum_name(rule));
}

KeyRule rule_of(RuleChoice choice, KeyRule stored) {
  for (const auto& [rule, name] : EnumNames<KeyRule>::names)
    if (name == enum_name(choice)) return rule;
  return stored;
}

void validate(const ScoringOptions& options) {
  demand(options.window >= 0, "--eval.window must not be negative");
  demand(options.stride >= 0, "--eval.stride must not be negative");
  demand(options.unit_tokens > 0, "--eval.unit-tokens must be positive");
  demand(options.batch_tokens > 0, "--eval.batch-tokens must be positive");
  require_available(options.device, "eval.device", find_gpus());
}

void validate(const EvalOptions& options) {
  validate(static_cast<const ScoringOptions&>(options));
  demand(options.segment_units > 0, "--eval.segment-units must be positive");
  require(0 < options.threads && options.threads <= kMostThreads, ExitCode::kUsage,
          "--eval.threads is ", options.threads, "; it must be from 1 to ", kMostThreads);
  demand(options.gate.empty() || options.refine != Refine::kOff,
         "--eval.gate names a gate, and --eval.refine off wants none; give one of them");
  demand(options.gate.empty() == options.curves.empty(),
         "--eval.gate takes its thresholds from --eval.curves, a record of `reprise curves`; give "
         "both or neither");
  require(
      options.gate.empty() ? options.budget == 0 : 0 < options.budget && options.budget <= 1,
      ExitCode::kUsage, "--eval.budget is ", options.budget,
      options.gate.empty() ? "; it is for --eval.gate" : "; it is a share above 0 and at most 1");
  require(0 < options.refinements && options.refinements <= kMostRefinements, ExitCode::kUsage,
          "--eval.refinements is ", options.refinements, "; it must be from 1 to ",
          kMostRefinements);
  demand(options.early_tokens >= 0, "--eval.early-tokens must not be negative");
  demand(options.rare_share >= 0 && options.rare_share <= 1,
         "--eval.rare-share must be between 0 and 1");
  demand(options.seed >= 0, "--eval.seed must not be negative");
  demand(options.check_windows > 0, "--eval.check-windows must be positive");
}

}  // namespace reprise
