#include "eval/gates/policy_options.h"

#include <cmath>

namespace reprise {
namespace {

constexpr double kMostTokens = 1 << 20;  ///< in a bucket, so that its units fit 64 bits

std::unique_ptr<RefinementPolicy> make_kind(const PolicyOptions& options, float threshold) {
  switch (options.kind) {
    case PolicyKind::kThreshold:
      return make_threshold(threshold);
    case PolicyKind::kRunningQuantile:
      return make_running_quantile(threshold, options.budget, options.step);
    case PolicyKind::kPickMost:
      return make_pick_most(options.budget);
  }
  fail(ExitCode::kFailure, "a policy of no known kind");
}

}  // namespace

void validate(const PolicyOptions& options) {
  const auto usage = [](bool condition, std::string_view line) {
    require(condition, ExitCode::kUsage, line);
  };
  usage(options.budget >= 0 && options.budget <= 1, "policy.budget is a share: between 0 and 1");
  usage(options.step > 0 && std::isfinite(options.step),
        "policy.step must be above 0: with none the threshold never moves");
  usage(options.segment >= 1, "policy.segment must be above 0");
  usage(options.burst == 0 || (options.burst >= 1 && options.burst <= kMostTokens),
        "policy.burst is 0 for no bucket, or between 1 and 1048576: below 1 it never pays for a "
        "token");
  usage(options.refill >= 0 && options.refill <= 1,
        "policy.refill lies between 0 and 1 tokens a token");
  usage(options.refill == 0 || options.burst > 0,
        "policy.refill fills a bucket, and policy.burst 0 wants none; give both or neither");
  usage(options.cap >= 0, "policy.cap is negative");
}

std::unique_ptr<RefinementPolicy> make_policy(const PolicyOptions& options, float threshold) {
  validate(options);
  auto policy = make_kind(options, threshold);
  if (options.segment > 1) policy = make_segments(std::move(policy), options.segment);
  if (options.burst > 0)
    policy = make_token_bucket(std::move(policy),
                               options.refill > 0 ? options.refill : options.budget, options.burst);
  if (options.cap > 0) policy = make_total_cap(std::move(policy), options.cap);
  return policy;
}

}  // namespace reprise
