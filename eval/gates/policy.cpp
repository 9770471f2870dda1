#include "eval/gates/policy.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "eval/gates/gate_expression.h"

namespace reprise {
namespace {

constexpr int64_t kUnit = int64_t{1} << 40;  ///< of a bucket's token

class Threshold : public RefinementPolicy {
 public:
  explicit Threshold(float threshold) : threshold_(threshold) {}
  std::vector<uint8_t> decide(std::span<const float> scores, PolicyState&) const override {
    std::vector<uint8_t> refined;
    refined.reserve(scores.size());
    for (const float score : scores)
      refined.push_back(threshold_ == kRefineAll || score > threshold_);
    return refined;
  }
  bool looks_at_one() const override { return true; }
  std::vector<std::string> may_see() const override { return {"own score", "held-out threshold"}; }

 private:
  float threshold_;
};

class RunningQuantile : public RefinementPolicy {
 public:
  RunningQuantile(float threshold, double rate, double step)
      : threshold_(threshold), rate_(rate), step_(step) {}
  std::vector<uint8_t> decide(std::span<const float> scores, PolicyState& state) const override {
    std::vector<uint8_t> refined;
    refined.reserve(scores.size());
    for (const float score : scores) {
      const bool above = threshold_ == kRefineAll || score > threshold_ + state.threshold_shift;
      state.threshold_shift += step_ * ((above ? 1.0 : 0.0) - rate_);
      refined.push_back(above);
    }
    return refined;
  }
  std::vector<std::string> may_see() const override {
    return {"own score", "earlier scores of the document", "held-out threshold"};
  }

 private:
  float threshold_;
  double rate_, step_;
};

class PickMost : public RefinementPolicy {
 public:
  explicit PickMost(double budget) : budget_(budget) {}
  std::vector<uint8_t> decide(std::span<const float> scores, PolicyState&) const override {
    const auto key = [&](size_t i) { return std::isnan(scores[i]) ? kRefineAll : scores[i]; };
    std::vector<size_t> order(scores.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(
        order, [&](size_t i, size_t j) { return std::pair(-key(i), i) < std::pair(-key(j), j); });
    order.resize(static_cast<size_t>(budget_ * static_cast<double>(scores.size()) + 1e-6));
    std::vector<uint8_t> refined(scores.size(), 0);
    for (const size_t i : order) refined[i] = 1;
    return refined;
  }
  bool causal() const override { return false; }
  std::vector<std::string> may_see() const override {
    return {"own score", "all scores of the batch, later ones included"};
  }

 private:
  double budget_;
};

/// What another policy stands in.
class Wrapper : public RefinementPolicy {
 public:
  explicit Wrapper(std::unique_ptr<RefinementPolicy> inner) : inner_(std::move(inner)) {}
  bool causal() const override { return inner_->causal(); }

 protected:
  std::vector<std::string> inner_and(const char* more) const {
    auto inputs = inner_->may_see();
    inputs.emplace_back(more);
    return inputs;
  }
  std::unique_ptr<RefinementPolicy> inner_;
};

class Segments : public Wrapper {
 public:
  Segments(std::unique_ptr<RefinementPolicy> inner, int64_t length)
      : Wrapper(std::move(inner)), length_(length) {}
  std::vector<uint8_t> decide(std::span<const float> scores, PolicyState& state) const override {
    std::vector<float> firsts;
    for (size_t i = 0; i < scores.size(); ++i)
      if (starts_run(state, i)) firsts.push_back(scores[i]);
    const std::vector<uint8_t> runs = inner_->decide(firsts, state);
    std::vector<uint8_t> refined;
    refined.reserve(scores.size());
    for (size_t i = 0, run = 0; i < scores.size(); ++i) {
      if (starts_run(state, i)) state.run_refined = runs[run++];
      refined.push_back(state.run_refined);
    }
    state.decided += static_cast<int64_t>(scores.size());
    return refined;
  }
  std::vector<std::string> may_see() const override {
    return inner_and("score of the run's first prediction");
  }

 private:
  bool starts_run(const PolicyState& state, size_t i) const {
    return (state.decided + static_cast<int64_t>(i)) % length_ == 0;
  }
  int64_t length_;
};

class TokenBucket : public Wrapper {
 public:
  TokenBucket(std::unique_ptr<RefinementPolicy> inner, double refill, double burst)
      : Wrapper(std::move(inner)),
        refill_(static_cast<int64_t>(refill * kUnit)),
        burst_(static_cast<int64_t>(burst * kUnit)) {}
  std::vector<uint8_t> decide(std::span<const float> scores, PolicyState& state) const override {
    std::vector<uint8_t> refined = inner_->decide(scores, state);
    if (state.tokens < 0) state.tokens = burst_;
    for (auto& wanted : refined) {
      state.tokens = std::min(burst_, state.tokens + refill_);
      if (state.tokens < kUnit) wanted = 0;
      if (wanted) state.tokens -= kUnit;
    }
    return refined;
  }
  std::vector<std::string> may_see() const override {
    return inner_and("how many of the document were refined, and where");
  }

 private:
  int64_t refill_, burst_;
};

class TotalCap : public Wrapper {
 public:
  TotalCap(std::unique_ptr<RefinementPolicy> inner, int64_t most)
      : Wrapper(std::move(inner)), most_(most) {}
  std::vector<uint8_t> decide(std::span<const float> scores, PolicyState& state) const override {
    std::vector<uint8_t> refined = inner_->decide(scores, state);
    for (auto& wanted : refined) {
      if (state.refined >= most_) wanted = 0;
      state.refined += wanted;
    }
    return refined;
  }
  std::vector<std::string> may_see() const override {
    return inner_and("how many of the document were refined");
  }

 private:
  int64_t most_;
};

}  // namespace

void require_causal(const RefinementPolicy& policy) {
  require(policy.causal(), ExitCode::kUsage,
          "this policy looks at later predictions, which no decoder has; it trains and never "
          "scores: choose threshold or running-quantile");
}

int64_t count_nan(std::span<const float> scores) {
  return std::ranges::count_if(scores, [](float score) { return std::isnan(score); });
}

std::unique_ptr<RefinementPolicy> make_threshold(float threshold) {
  return std::make_unique<Threshold>(threshold);
}

std::unique_ptr<RefinementPolicy> make_running_quantile(float threshold, double rate, double step) {
  return std::make_unique<RunningQuantile>(threshold, rate, step);
}

std::unique_ptr<RefinementPolicy> make_pick_most(double budget) {
  return std::make_unique<PickMost>(budget);
}

std::unique_ptr<RefinementPolicy> make_segments(std::unique_ptr<RefinementPolicy> inner,
                                                int64_t length) {
  return std::make_unique<Segments>(std::move(inner), length);
}

std::unique_ptr<RefinementPolicy> make_token_bucket(std::unique_ptr<RefinementPolicy> inner,
                                                    double refill, double burst) {
  return std::make_unique<TokenBucket>(std::move(inner), refill, burst);
}

std::unique_ptr<RefinementPolicy> make_total_cap(std::unique_ptr<RefinementPolicy> inner,
                                                 int64_t most) {
  return std::make_unique<TotalCap>(std::move(inner), most);
}

}  // namespace reprise
