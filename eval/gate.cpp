#include "eval/gate.h"

#include "base/error.h"

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

}  // namespace

std::unique_ptr<Gate> make_gate(const GateRule& rule) {
  require(rule.signal == "entropy", ExitCode::kBadInput, "the artifact's gate reads '", rule.signal,
          "', this program knows only entropy; pack it again");
  return std::make_unique<EntropyGate>(rule.threshold);
}

}  // namespace reprise
