#include "eval/gate.h"

#include "base/error.h"
#include "base/random.h"

namespace reprise {
namespace {

class EntropyGate : public Gate {
 public:
  explicit EntropyGate(double threshold) : threshold_(threshold) {}
  std::vector<uint8_t> decide(const CoarseSignals& signals) const override {
    std::vector<uint8_t> refined;
    refined.reserve(signals.entropy.size());
    for (const float entropy : signals.entropy) refined.push_back(entropy > threshold_);
    return refined;
  }

 private:
  double threshold_;
};

class RandomGate : public Gate {
 public:
  RandomGate(uint64_t seed, double fraction) : seed_(seed), fraction_(fraction) {}
  std::vector<uint8_t> decide(const CoarseSignals& signals) const override {
    std::vector<uint8_t> refined;
    refined.reserve(signals.places.size());
    for (const TokenPlace& place : signals.places) {
      const RandomStream stream(seed_, Purpose::kRandomGate, place.position);
      refined.push_back(stream.uniform(place.document) < fraction_);
    }
    return refined;
  }

 private:
  uint64_t seed_;
  double fraction_;
};

}  // namespace

std::unique_ptr<Gate> make_gate(const GateRule& rule) {
  require(rule.signal == "entropy", ExitCode::kBadInput, "the artifact's gate reads '", rule.signal,
          "', this program knows only entropy; pack it again");
  return std::make_unique<EntropyGate>(rule.threshold);
}

std::unique_ptr<Gate> make_random_gate(uint64_t seed, double fraction) {
  return std::make_unique<RandomGate>(seed, fraction);
}

}  // namespace reprise
