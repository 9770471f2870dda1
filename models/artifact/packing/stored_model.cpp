#include "models/artifact/packing/stored_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/parallel.h"
#include "models/artifact/frame.h"
#include "models/artifact/header.h"

namespace reprise {
namespace {

/// What codes are rounded by; empty: to nearest. The table of a tied embedding is looked up as well
/// as multiplied by: feedback by the head's inputs alone makes its rows worse as inputs, and the
/// loss with them.
std::vector<double> hessian_of(const UnpackedModel& model, const HostTensor& tensor,
                               const QuantiserOptions& options) {
  if (!uses_hessians(options) || !stored_as_codes(tensor.shape, options) ||
      tensor.name == "embedding")
    return {};
  require(model.calibration.has_value(), ExitCode::kUsage,
          "rounding by gptq needs a calibration of the model");
  const auto found = model.calibration->tensors.find(tensor.name);
  if (found == model.calibration->tensors.end() || !found->second.read_hessian) return {};
  const auto columns = tensor.shape.empty() ? 1 : tensor.values.size() / tensor.shape[0];
  std::vector<double> hessian = found->second.read_hessian();
  require(hessian.size() == columns * columns, ExitCode::kBadInput, "the Hessian of tensor ",
          tensor.name, " has ", hessian.size(), " elements, its columns want ", columns * columns,
          "; measure it again");
  return hessian;
}

/// Those of one tensor; `finer_bits` grows by what it has beyond the others. A gate's head is a
/// small part of a model, whose thresholds want its scores as they are: binary16, however large.
QuantiserOptions options_of(QuantiserOptions options, std::string_view tensor, double& finer_bits) {
  if (tensor.starts_with(kGatePrefix)) {
    options.half_elements = std::numeric_limits<int64_t>::max();
    options.small = Small::kHalf;
  }
  if (options.embedding_bits == 0 || !is_token_table(tensor)) return options;
  finer_bits += static_cast<double>(options.embedding_bits - options.max_bits);
  if (options.min_bits == options.max_bits) options.min_bits = options.embedding_bits;
  options.max_bits = options.embedding_bits;
  return options;
}

}  // namespace

StoredModel::StoredModel(const UnpackedModel& model, const std::vector<Importance>& importance,
                         const QuantiserOptions& options, const Rule& rule)
    : model_(model),
      quantisers_(model.tensors.size()),
      rates_(model.tensors.size(), 1),
      quantised_(model.tensors.size()),
      summaries_(model.tensors.size()) {
  parallel_for(model.tensors.size(), [&](size_t i) {
    const HostTensor& tensor = model.tensors[i];
    double finer = finer_bits(rule, tensor.name);
    const QuantiserOptions own = options_of(options, tensor.name, finer);
    const std::vector<double> hessian = hessian_of(model, tensor, options);
    quantisers_[i] = make_quantiser({.tensor = tensor,
                                     .importance = importance[i],
                                     .hessian = hessian.empty() ? nullptr : &hessian,
                                     .finer_bits = finer},
                                    own);
    quantised_[i] = quantisers_[i]->quantise(1);
    quantised_[i].streams.clear();  // the frame asks for the form alone
  });
  frame();
  fixed_bytes_ = static_cast<int64_t>(serialise(stored_).size());
}

double StoredModel::slope_of(size_t tensor, double log2_slope) const {
  return std::exp2(log2_slope) * rates_[tensor];
}

double StoredModel::forecast_bytes(double log2_slope) const {
  double bits = 0;
  for (size_t i = 0; i < quantisers_.size(); ++i)
    bits += rates_[i] * quantisers_[i]->forecast(slope_of(i, log2_slope)).bits;
  return static_cast<double>(fixed_bytes_) + bits / 8;
}

double StoredModel::forecast_distortion(double log2_slope) const {
  double sum = 0;
  for (size_t i = 0; i < quantisers_.size(); ++i)
    sum += quantisers_[i]->forecast(slope_of(i, log2_slope)).distortion;
  return sum;
}

void StoredModel::frame() {
  Directory directory;
  for (size_t i = 0; i < model_.tensors.size(); ++i)
    directory.push_back({model_.tensors[i].name, quantised_[i].form, model_.tensors[i].shape});
  stored_ = make_frame(model_.model, model_.tokenizer, model_.tokenizer_model, directory);
  stored_.gate.keys = model_.keys;
  stored_.gate.head_reads = model_.head_reads;
  if (!model_.head_reads.empty()) stored_.gate.signal = "head";
  plans_ = plan_sections(stored_.directory, stored_.directory_bytes,
                         static_cast<int64_t>(model_.tokenizer_model.size()));
}

StoredModel::SectionKey StoredModel::key_of(const SectionPlan& plan) const {
  if (plan.cause != Cause::kCodes) return {plan.cause, plan.element_bytes, "", Scheme::kHalf, 0};
  const SectionPart& part = plan.parts[0];
  const TensorShape& tensor = stored_.directory[part.tensor];
  return {plan.cause, plan.element_bytes, tensor.name, tensor.form.scheme, part.stream};
}

std::string StoredModel::take_bytes(const SectionPlan& plan) {
  std::string bytes;
  for (const SectionPart& part : plan.parts)
    bytes += std::exchange(quantised_[part.tensor].streams[part.stream], {});
  return bytes;
}

std::string StoredModel::encode(const SectionPlan& plan) {
  const auto settled = coders_.find(key_of(plan));
  return settled == coders_.end() ? encode_section(plan, take_bytes(plan))
                                  : encode_section(plan, take_bytes(plan), settled->second);
}

std::string StoredModel::build(double log2_slope) {
  built_at_ = log2_slope;
  parallel_for(quantisers_.size(), [&](size_t i) {
    quantised_[i] = quantisers_[i]->quantise(slope_of(i, log2_slope));
    const HostTensor& tensor = model_.tensors[i];
    summaries_[i] = {tensor.name, quantised_[i].form, quantised_[i].nominal_bits,
                     measure_distortion(tensor.values, dequantise(quantised_[i], tensor))};
  });
  frame();
  parallel_for(plans_.size(), [&](size_t i) {
    if (!plans_[i].parts.empty()) stored_.sections[i] = encode(plans_[i]);
  });
  for (size_t i = 0; i < plans_.size(); ++i)
    coders_.emplace(key_of(plans_[i]), coder_of_section(stored_.sections[i]));
  stored_.digest = sections_digest(stored_.sections);
  return serialise(stored_);
}

std::string StoredModel::padded(int64_t bytes) {
  const int64_t zeros = bytes - (bytes_of_padding(1) - 1);
  require(zeros > 0, ExitCode::kFailure, "no padding has ", bytes, " bytes");
  stored_.padding_bytes = zeros;
  std::string file = serialise(stored_);
  stored_.padding_bytes = 0;
  return file;
}

void StoredModel::learn_rates() {
  constexpr double kMostApart = 2;
  std::map<size_t, double> coded_bits;
  for (size_t i = 0; i < plans_.size(); ++i)
    if (plans_[i].cause == Cause::kCodes)
      coded_bits[plans_[i].parts[0].tensor] += 8 * static_cast<double>(stored_.sections[i].size());
  for (const auto& [tensor, coded] : coded_bits) {
    const double forecast = quantisers_[tensor]->forecast(slope_of(tensor, built_at_)).bits;
    if (forecast > 0) rates_[tensor] = std::clamp(coded / forecast, 1 / kMostApart, kMostApart);
  }
}

}  // namespace reprise
