#include "eval/alternatives/compare.h"

#include <algorithm>
#include <cmath>

#include "eval/curves/joint_bootstrap.h"

namespace reprise {
namespace {

/// Differences of arms that one bootstrap is drawn for.
class Contrasts {
 public:
  explicit Contrasts(const ArmScores& scores) : scores_(scores) {}

  size_t add(size_t first, size_t second) {
    differences_.push_back(difference(scores_.arms[first], scores_.arms[second]));
    return differences_.size() - 1;
  }
  void draw(const BootstrapOptions& options) { draws_ = bootstrap_jointly(differences_, options); }

  EstimateWithin within(size_t contrast) const {
    return reprise::within(differences_[contrast], draws_[contrast]);
  }

  /// Of 1 − remaining / gain.
  Interval share_within(size_t remaining, size_t gain) const {
    const auto share = [](double r, double g) { return 1 - r / g; };
    std::vector<double> draws, jackknife;
    for (size_t k = 0; k < draws_[gain].size(); ++k)
      if (draws_[gain][k] != 0) draws.push_back(share(draws_[remaining][k], draws_[gain][k]));
    const auto without_gain = leave_one_out(differences_[gain]),
               without_rest = leave_one_out(differences_[remaining]);
    for (size_t d = 0; d < without_gain.size(); ++d)
      jackknife.push_back(share(without_rest[d], without_gain[d]));
    const double estimate =
        share(bits_per_byte(differences_[remaining]), bits_per_byte(differences_[gain]));
    return BcaDistribution(std::move(draws), estimate, jackknife).interval(kConfidence);
  }

 private:
  const ArmScores& scores_;
  std::vector<DocumentScores> differences_;
  std::vector<std::vector<double>> draws_;
};

class Comparer {
 public:
  Comparer(const ArmPlan& plan, const ArmScores& scores, const SearchWidths& widths)
      : plan_(plan), scores_(scores), contrasts_(scores) {
    const size_t none = plan.at("none"), all = plan.at("all");
    for (size_t a = 0; a < plan.arms.size(); ++a) {
      minus_none_.push_back(contrasts_.add(a, none));
      minus_all_.push_back(contrasts_.add(a, all));
    }
    for (const char* of : {"all", "gated"})
      if (plan.find(of)) add_absorptions(of);
    for (const double sigma : widths.noise)
      for (const int64_t count : widths.trajectories) add_search(count, sigma);
  }

  Comparison compare(const BootstrapOptions& bootstrap) && {
    contrasts_.draw(bootstrap);
    for (size_t a = 0; a < plan_.arms.size(); ++a) result_.arms.push_back(arm_result(a));
    for (size_t i = 0; i < result_.absorptions.size(); ++i)
      finish(result_.absorptions[i], remaining_[i]);
    for (size_t i = 0; i < result_.searches.size(); ++i)
      result_.searches[i].difference = contrasts_.within(searches_[i]);
    return std::move(result_);
  }

 private:
  void add_absorption(const std::string& control, const std::string& of, const std::string& with,
                      const std::string& without) {
    if (!plan_.find(with) || !plan_.find(without)) return;
    Absorption absorption{control, of, plan_.at(with), plan_.at(without), {}, {}, {}, {}, {}};
    remaining_.push_back(contrasts_.add(absorption.with, absorption.without));
    result_.absorptions.push_back(absorption);
  }

  void add_absorptions(const std::string& of) {
    for (const std::string control : {"temperature", "temperature-by-gate", "readout"})
      add_absorption(control, of, concat(of, "-", control), concat("none-", control));
    for (const char* control :
         {"mean-logits-of-passes", "mean-probabilities-of-passes", "two-models"})
      add_absorption(control, of, of, control);
  }

  void add_search(int64_t count, double sigma) {
    const auto serial = plan_.find(serial_name(count));
    if (!serial) return;
    const size_t parallel = plan_.at(parallel_name(count, sigma));
    searches_.push_back(contrasts_.add(parallel, *serial));
    result_.searches.push_back({count, sigma, parallel, *serial, {}});
  }

  ArmResult arm_result(size_t arm) const {
    ArmResult result{estimate_of(scores_.arms[arm]), {}, {}};
    if (arm != plan_.at("none")) result.minus_none = contrasts_.within(minus_none_[arm]);
    if (arm != plan_.at("all")) result.minus_all = contrasts_.within(minus_all_[arm]);
    return result;
  }

  void finish(Absorption& absorption, size_t remaining) const {
    const size_t gain = minus_none_[plan_.at(absorption.of)];
    absorption.gain = contrasts_.within(gain);
    absorption.remaining = contrasts_.within(remaining);
    if (absorption.gain.estimate.bpb >= 0) return;
    absorption.word = Absorbed::kNoise;
    if (absorption.gain.interval.high >= 0) return;
    absorption.share = 1 - absorption.remaining.estimate.bpb / absorption.gain.estimate.bpb;
    const Interval interval = contrasts_.share_within(remaining, gain);
    absorption.share_interval = interval;
    absorption.word = interval.low >= kMostShare   ? Absorbed::kMost
                      : interval.high < kMostShare ? Absorbed::kNotMost
                                                   : Absorbed::kUndecided;
  }

  const ArmPlan& plan_;
  const ArmScores& scores_;
  Contrasts contrasts_;
  std::vector<size_t> minus_none_, minus_all_, remaining_, searches_;
  Comparison result_;
};

}  // namespace

Comparison compare_arms(const ArmPlan& plan, const ArmScores& scores, const SearchWidths& widths,
                        const BootstrapOptions& bootstrap) {
  return Comparer(plan, scores, widths).compare(bootstrap);
}

}  // namespace reprise
