#include "models/artifact/packing/packer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "models/artifact/container.h"
#include "models/artifact/header.h"
#include "models/artifact/packing/search.h"
#include "models/artifact/packing/width_advice.h"

namespace reprise {
namespace {

[[noreturn]] void fail_unreachable(const UnpackedModel& model, const QuantiserOptions& options,
                                   const Band& band, const std::vector<Candidate>& candidates,
                                   int64_t fixed_bytes) {
  constexpr int64_t kNone = -1;
  int64_t below = kNone, above = kNone;
  for (const Candidate& candidate : candidates) {
    if (candidate.bytes < band.least_bytes) below = std::max(below, candidate.bytes);
    if (candidate.bytes > band.most_bytes)
      above = above == kNone ? candidate.bytes : std::min(above, candidate.bytes);
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
       band.most_bytes, " bytes: the nearest sizes are ", below, " and ", above, "; ",
       advise_smaller_width(model, options, {above, fixed_bytes}, band.most_bytes));
}

/// Padding may take so much of a file; a larger gap is told as it is.
constexpr double kMostPadding = 0.01;

int64_t most_padded(const Band& band) {
  const auto padding = static_cast<int64_t>(kMostPadding * static_cast<double>(band.most_bytes));
  return band.most_bytes - std::min(padding, kMaxHeaderBytes / 2);
}

/// One rule's files for one target.
class Packing {
 public:
  Packing(const UnpackedModel& model, const std::vector<Importance>& importance,
          const PackOptions& options, const Rule& rule, const PackHooks& hooks)
      : stored_(model, importance, options.quantiser, rule),
        rule_(rule),
        code_bytes_(options.code_bytes),
        hooks_(hooks) {}

  /// Searches the band; whether the last file that was built lies in it.
  bool search(const Band& band) {
    const SizeFunctions sizes{[&](double log2_slope) { return forecast(log2_slope); },
                              [&](double log2_slope) { return build(log2_slope).bytes; }};
    build(forecast_slope(sizes.forecast, static_cast<double>(band.most_bytes)));
    if (band.contains(candidates.back().bytes)) return true;
    stored_.learn_rates();
    first_learned_ = candidates.size();
    search_size(band, sizes);
    return band.contains(candidates.back().bytes) || pad(band);
  }

  const Candidate& build(double log2_slope) {
    file = {};  // before there is another as long
    file = stored_.build(log2_slope);
    const auto bytes = static_cast<int64_t>(file.size()) + code_bytes_;
    if (hooks_.on_build) hooks_.on_build(bytes);
    candidates.push_back({rule_.name, log2_slope, forecast(log2_slope), bytes,
                          stored_.forecast_distortion(log2_slope)});
    return candidates.back();
  }

  Packed result() {
    return {.file = std::move(file),
            .chosen = candidates.back(),
            .tensors = stored_.summaries(),
            .candidates = candidates};
  }
  int64_t fixed_bytes() const { return stored_.fixed_bytes() + code_bytes_; }

  std::string file;
  std::vector<Candidate> candidates;

 private:
  /// Where sizes leap over the band by one row's choice, the largest file below it is padded.
  bool pad(const Band& band) {
    const int64_t most = std::min(band.least_bytes, band.most_bytes - bytes_of_padding(1));
    const Candidate* below = nullptr;
    for (const Candidate& candidate : std::span(candidates).subspan(first_learned_))
      if (candidate.bytes <= most && (!below || candidate.bytes > below->bytes)) below = &candidate;
    if (!below || below->bytes < most_padded(band)) return false;
    const double log2_slope = below->log2_slope;
    const int64_t missing = band.most_bytes - build(log2_slope).bytes;
    if (missing < bytes_of_padding(1)) return false;
    file = stored_.padded(missing);
    candidates.back().bytes += missing;
    return true;
  }

  double forecast(double log2_slope) const {
    return stored_.forecast_bytes(log2_slope) + static_cast<double>(code_bytes_);
  }

  StoredModel stored_;
  const Rule rule_;
  const int64_t code_bytes_;
  const PackHooks& hooks_;
  size_t first_learned_ = 0;  ///< of candidates, the first that its slope alone gives again
};

/// By the judge where it was asked, else by their own forecasts.
bool loses_less(const Candidate& one, const Candidate& other) {
  return std::isnan(one.judged_nats) ? one.distortion < other.distortion
                                     : one.judged_nats < other.judged_nats;
}

/// The best of the rules that reach the band.
Packed pack_to_band(const UnpackedModel& model, const std::vector<Importance>& importance,
                    const PackOptions& options, const PackHooks& hooks) {
  const Band band = Band::below(options.bytes);
  const std::vector<Rule> rules = rules_of(options.quantiser.allocation);
  std::vector<Candidate> candidates;
  std::optional<Packed> best;
  int64_t fixed_bytes = 0;
  for (const Rule& rule : rules) {
    Packing packing(model, importance, options, rule, hooks);
    const bool reached = packing.search(band);
    candidates.insert(candidates.end(), packing.candidates.begin(), packing.candidates.end());
    fixed_bytes = packing.fixed_bytes();
    if (!reached) continue;
    Packed packed = packing.result();
    if (rules.size() > 1 && hooks.judge)
      packed.chosen.judged_nats = candidates.back().judged_nats = hooks.judge(packed.file);
    if (!best || loses_less(packed.chosen, best->chosen)) best = std::move(packed);
  }
  if (!best) fail_unreachable(model, options.quantiser, band, candidates, fixed_bytes);
  best->candidates = std::move(candidates);
  return std::move(*best);
}

Packed pack_without_target(const UnpackedModel& model, const std::vector<Importance>& importance,
                           const PackOptions& options, const PackHooks& hooks) {
  PackOptions finest = options;
  if (options.quantiser.clip_sigma == 0) {  // every row by itself, at the one width it may have
    finest.quantiser.allocation = Allocation::kRateDistortion;
    if (options.quantiser.allocation == Allocation::kUniform)
      finest.quantiser.min_bits = options.quantiser.max_bits;
  }
  const Rule rule{.name = enum_name(options.quantiser.allocation)};
  Packing packing(model, importance, finest, rule, hooks);
  packing.build(kFinestLog2Slope);
  return packing.result();
}

nlohmann::json to_json(const TensorSummary& tensor) {
  nlohmann::json json{{"name", tensor.name},
                      {"scheme", enum_name(tensor.form.scheme)},
                      {"nominal_bits", tensor.nominal_bits},
                      {"relative_rms", tensor.distortion.relative_rms},
                      {"relative_mean", tensor.distortion.relative_mean},
                      {"largest", tensor.distortion.largest},
                      {"wrong_sign_share", tensor.distortion.wrong_sign_share}};
  Form form = tensor.form;
  form.visit([&](const char* name, int64_t value) {
    if (value != 0) json[name] = value;
  });
  return json;
}

nlohmann::json to_json(const Candidate& candidate) {
  nlohmann::json json{{"rule", candidate.rule},
                      {"log2_slope", candidate.log2_slope},
                      {"forecast_bytes", candidate.forecast_bytes},
                      {"bytes", candidate.bytes},
                      {"distortion", candidate.distortion}};
  if (!std::isnan(candidate.judged_nats)) json["judged_nats"] = candidate.judged_nats;
  return json;
}

}  // namespace

Packed pack(const UnpackedModel& model, const PackOptions& options, const PackHooks& hooks) {
  validate(options);
  check_tensors(model.tensors);
  const std::vector<Importance> importance = importance_of(
      model, weighs_by_fisher(options) ? Sensitivity::kFisher : Sensitivity::kRelative);
  return options.bytes > 0 ? pack_to_band(model, importance, options, hooks)
                           : pack_without_target(model, importance, options, hooks);
}

nlohmann::json to_json(const Packed& packed) {
  nlohmann::json tensors = nlohmann::json::array(), candidates = nlohmann::json::array();
  for (const TensorSummary& tensor : packed.tensors) tensors.push_back(to_json(tensor));
  for (const Candidate& candidate : packed.candidates) candidates.push_back(to_json(candidate));
  return {{"tensors", tensors}, {"candidates", candidates}, {"chosen", to_json(packed.chosen)}};
}

}  // namespace reprise
