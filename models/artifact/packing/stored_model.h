// A model bound to its quantisers, and its stored form at one slope after the other.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/artifact/artifact.h"
#include "models/artifact/packing/importance.h"
#include "models/artifact/packing/options.h"
#include "models/artifact/packing/rule.h"
#include "models/artifact/quantisers/distortion.h"
#include "models/artifact/quantisers/quantiser.h"
#include "models/artifact/section.h"

namespace reprise {

/// What packing did to one tensor.
struct TensorSummary {
  std::string name;
  Form form;
  double nominal_bits = 0;  ///< mean width of the codes before coding
  Distortion distortion;
};

class StoredModel {
 public:
  /// `model` outlives this.
  StoredModel(const UnpackedModel& model, const std::vector<Importance>& importance,
              const QuantiserOptions& options, const Rule& rule);

  /// Of the file at a slope: its bytes, and the distortion of its weights.
  double forecast_bytes(double log2_slope) const;
  double forecast_distortion(double log2_slope) const;

  /// Quantises and codes everything; returns the file.
  std::string build(double log2_slope);
  /// The file just built, `bytes` longer. Throws kFailure for fewer than padding takes at least.
  std::string padded(int64_t bytes);
  /// From here on a tensor's bits cost what they came to in the file just built: the coders do not
  /// serve all tensors alike.
  void learn_rates();

  /// Of the file just built.
  const std::vector<TensorSummary>& summaries() const { return summaries_; }
  int64_t fixed_bytes() const { return fixed_bytes_; }  ///< of the file, at any slope

 private:
  /// What a section holds: of one tensor, or of all where the tensor is none.
  struct SectionKey {
    Cause cause = Cause::kCodes;
    int64_t element_bytes = 1;
    std::string tensor;
    Scheme scheme = Scheme::kHalf;
    size_t stream = 0;
    auto operator<=>(const SectionKey&) const = default;
  };

  double slope_of(size_t tensor, double log2_slope) const;
  void frame();  ///< directory and sections of what is quantised now
  SectionKey key_of(const SectionPlan& plan) const;
  /// Takes the streams: from here on the sections hold what is quantised.
  std::string take_bytes(const SectionPlan& plan);
  std::string encode(const SectionPlan& plan);

  const UnpackedModel& model_;
  std::vector<std::unique_ptr<Quantiser>> quantisers_;
  std::vector<double> rates_;  ///< of each tensor, coded bits for each that was forecast
  std::vector<QuantisedTensor> quantised_;
  std::vector<TensorSummary> summaries_;
  double built_at_ = 0;  ///< log2 slope
  std::vector<SectionPlan> plans_;
  /// Each section's best coder, found when it is first there and kept: the order of the coders does
  /// not change with the slopes of one search, and trying all of them each time doubles the work.
  std::map<SectionKey, Coder> coders_;
  Artifact stored_;
  int64_t fixed_bytes_ = 0;
};

}  // namespace reprise
