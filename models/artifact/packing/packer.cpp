#include "models/artifact/packing/packer.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/parallel.h"
#include "models/artifact/frame.h"
#include "models/artifact/packing/width_advice.h"
#include "models/artifact/quantisers/quantiser.h"
#include "models/artifact/section.h"

namespace reprise {
namespace {

/// What a section holds: of one tensor, or of all where the tensor is none.
struct SectionKey {
  Cause cause = Cause::kCodes;
  std::string tensor;
  auto operator<=>(const SectionKey&) const = default;
};

/// The model bound to its quantisers, and its stored form at one slope after the other.
class Packer {
 public:
  Packer(const UnpackedModel& model, const PackOptions& options);

  double forecast_bytes(double log2_slope) const;  ///< of the file
  /// Quantises and codes everything; returns the file.
  std::string build(double log2_slope);
  std::vector<TensorSummary> summarise() const;
  int64_t fixed_bytes() const { return fixed_bytes_; }  ///< of the file, at any slope

 private:
  void frame();  ///< directory and sections of what is quantised now
  std::string section_bytes(const SectionPlan& plan) const;
  SectionKey key_of(const SectionPlan& plan) const;
  void encode(size_t section);

  const UnpackedModel& model_;
  std::vector<std::unique_ptr<Quantiser>> quantisers_;
  std::vector<QuantisedTensor> quantised_;
  std::vector<SectionPlan> plans_;
  /// Each section's best coder, found when it is first there and kept: the order of the coders does
  /// not change with the slopes of one search, and trying all of them each time doubles the work.
  std::map<SectionKey, Coder> coders_;
  Artifact stored_;
  int64_t fixed_bytes_ = 0;
};

Packer::Packer(const UnpackedModel& model, const PackOptions& options)
    : model_(model), quantisers_(model.tensors.size()), quantised_(model.tensors.size()) {
  parallel_for(model.tensors.size(), [&](size_t i) {
    const HostTensor& tensor = model.tensors[i];
    quantisers_[i] = make_quantiser({tensor, relative_importance(tensor)}, options.quantiser);
    quantised_[i] = quantisers_[i]->quantise(1);
  });
  frame();
  fixed_bytes_ = static_cast<int64_t>(serialise(stored_).size());
}

void Packer::frame() {
  Directory directory;
  for (size_t i = 0; i < model_.tensors.size(); ++i)
    directory.push_back({model_.tensors[i].name, quantised_[i].form, model_.tensors[i].shape});
  stored_ = make_frame(model_.model, model_.tokenizer, model_.tokenizer_model, directory);
  plans_ = plan_sections(stored_.directory, stored_.directory_bytes,
                         static_cast<int64_t>(model_.tokenizer_model.size()));
}

SectionKey Packer::key_of(const SectionPlan& plan) const {
  return {plan.cause, plan.cause == Cause::kCodes ? model_.tensors[plan.parts[0].tensor].name : ""};
}

std::string Packer::section_bytes(const SectionPlan& plan) const {
  std::string bytes;
  for (const SectionPart& part : plan.parts) bytes += quantised_[part.tensor].streams[part.stream];
  return bytes;
}

void Packer::encode(size_t section) {
  const SectionPlan& plan = plans_[section];
  const std::string bytes = section_bytes(plan);
  const auto settled = coders_.find(key_of(plan));
  stored_.sections[section] = settled == coders_.end()
                                  ? encode_section(plan, bytes)
                                  : encode_section(plan, bytes, settled->second);
}

double Packer::forecast_bytes(double log2_slope) const {
  double bits = 0;
  for (const auto& quantiser : quantisers_) bits += quantiser->forecast(std::exp2(log2_slope)).bits;
  return static_cast<double>(fixed_bytes_) + bits / 8;
}

std::string Packer::build(double log2_slope) {
  parallel_for(quantisers_.size(),
               [&](size_t i) { quantised_[i] = quantisers_[i]->quantise(std::exp2(log2_slope)); });
  frame();
  parallel_for(plans_.size(), [&](size_t i) {
    if (!plans_[i].parts.empty()) encode(i);
  });
  for (size_t i = 0; i < plans_.size(); ++i)
    coders_.emplace(key_of(plans_[i]), coder_of_section(stored_.sections[i]));
  stored_.digest = sections_digest(stored_.sections);
  return serialise(stored_);
}

std::vector<TensorSummary> Packer::summarise() const {
  std::vector<TensorSummary> summaries(quantised_.size());
  parallel_for(quantised_.size(), [&](size_t i) {
    const std::vector<std::string_view> streams(quantised_[i].streams.begin(),
                                                quantised_[i].streams.end());
    const std::vector<float> values = dequantise(stored_.directory[i], streams);
    summaries[i] = {model_.tensors[i].name, quantised_[i].nominal_bits,
                    measure_distortion(model_.tensors[i].values, values)};
  });
  return summaries;
}

void check_tensors(const std::vector<HostTensor>& tensors) {
  require(!tensors.empty(), ExitCode::kBadInput, "the model has no tensors");
  for (const HostTensor& tensor : tensors) {
    int64_t elements = 1;
    for (const int64_t length : tensor.shape) elements *= length;
    require(elements > 0 && elements == static_cast<int64_t>(tensor.values.size()),
            ExitCode::kBadInput, "tensor ", tensor.name, " has ", tensor.values.size(),
            " weights, its shape says ", elements);
  }
}

[[noreturn]] void fail_unreachable(const UnpackedModel& model, const QuantiserOptions& options,
                                   const Band& band, const std::vector<Attempt>& attempts,
                                   int64_t fixed_bytes) {
  constexpr int64_t kNone = -1;
  int64_t below = kNone, above = kNone;
  for (const Attempt& attempt : attempts) {
    if (attempt.bytes < band.least_bytes) below = std::max(below, attempt.bytes);
    if (attempt.bytes > band.most_bytes)
      above = above == kNone ? attempt.bytes : std::min(above, attempt.bytes);
  }
  if (below == kNone)
    fail(ExitCode::kCapUnreachable, "this model does not fit ", band.most_bytes,
         " bytes: its smallest file takes ", above, ", ", above - band.most_bytes, " too many; ",
         advise_smaller_width(model, options, {above, fixed_bytes}, band.most_bytes));
  if (above == kNone)
    fail(ExitCode::kCapUnreachable, "this model does not fill ", band.most_bytes,
         " bytes: the largest file found takes ", below, ", ", band.least_bytes - below,
         " too few; ", advise_larger_width(model, options, {below, fixed_bytes}, band.least_bytes));
  fail(ExitCode::kCapUnreachable, "no setting gives this model ", band.least_bytes, " to ",
       band.most_bytes, " bytes: the nearest sizes are ", below, " and ", above);
}

}  // namespace

Packed pack(const UnpackedModel& model, const PackOptions& options,
            const std::function<void(int64_t bytes)>& on_build) {
  validate(options);
  check_tensors(model.tensors);
  Packer packer(model, options);
  Packed packed;
  const auto measure = [&](double log2_slope) {
    packed.file = packer.build(log2_slope);
    const auto bytes = static_cast<int64_t>(packed.file.size()) + options.code_bytes;
    if (on_build) on_build(bytes);
    return bytes;
  };
  const auto forecast = [&](double log2_slope) {
    return packer.forecast_bytes(log2_slope) + static_cast<double>(options.code_bytes);
  };
  const Band band = Band::below(options.bytes);
  packed.attempts = search_size(band, {forecast, measure});
  if (!band.contains(packed.attempts.back().bytes))
    fail_unreachable(model, options.quantiser, band, packed.attempts,
                     packer.fixed_bytes() + options.code_bytes);
  packed.tensors = packer.summarise();
  return packed;
}

nlohmann::json to_json(const Packed& packed) {
  nlohmann::json tensors = nlohmann::json::array(), attempts = nlohmann::json::array();
  for (const TensorSummary& tensor : packed.tensors)
    tensors.push_back({{"name", tensor.name},
                       {"nominal_bits", tensor.nominal_bits},
                       {"relative_rms", tensor.distortion.relative_rms},
                       {"relative_mean", tensor.distortion.relative_mean},
                       {"largest", tensor.distortion.largest},
                       {"wrong_sign_share", tensor.distortion.wrong_sign_share}});
  for (const Attempt& attempt : packed.attempts)
    attempts.push_back({{"log2_slope", attempt.log2_slope},
                        {"forecast_bytes", attempt.forecast_bytes},
                        {"bytes", attempt.bytes}});
  return {{"tensors", tensors}, {"attempts", attempts}};
}

}  // namespace reprise
