#include "models/calibration/measure.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/error.h"
#include "base/pace.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "models/calibration/state_file.h"
#include "models/calibration/window_use.h"
#include "models/calibration/windows.h"
#include "models/thread_count.h"

namespace reprise {
namespace {

int64_t window_of(const UseOptions& options, const ModelOptions& model) {
  return options.window > 0 ? options.window : model.context;
}

void require_finite(const Parameters& parameters) {
  for (const Parameter& parameter : parameters.list())
    require(at::isfinite(parameter.tensor.detach()).all().item<bool>(), ExitCode::kBadInput,
            "the model's ", parameter.name,
            " holds a number that is not finite; train it again, or pack an earlier one");
}

std::string weights_digest(const Parameters& parameters) {
  Sha256Stream stream;
  for (const Parameter& parameter : parameters.list()) {
    const at::Tensor values = parameter.tensor.detach().contiguous();
    stream.update(concat(parameter.name, values.sizes(), values.scalar_type(), "\n"));
    stream.update({static_cast<const char*>(values.const_data_ptr()), values.nbytes()});
  }
  return to_hex(stream.finish());
}

/// What two measurings that give the same bits have in common.
std::string key_of(ModelOptions model, const Parameters& parameters, const UseOptions& options,
                   const TrainWindows& windows) {
  OptionSet shape("", "");
  shape.add("model", model);
  return digest_of(nlohmann::json{{"model", shape.digest()},
                                  {"weights", weights_digest(parameters)},
                                  {"text", windows.digest()},
                                  {"windows", windows.count()},
                                  {"length", windows.length()},
                                  {"refine_share", options.refine_share},
                                  {"key_rule", enum_name(options.rule)},
                                  {"group", kGroupWindows}});
}

class Measuring {
 public:
  Measuring(const WindowUse& use, const TrainWindows& windows, const UseOptions& options,
            std::string key, Communicator& comm)
      : use_(use),
        windows_(windows),
        options_(options),
        key_(std::move(key)),
        comm_(comm),
        pace_(options.save_pause),
        groups_((windows.count() + kGroupWindows - 1) / kGroupWindows) {}

  /// What the sums over all windows say.
  std::map<std::string, TensorCalibration> run() {
    sum();
    TriangleSource triangles;
    if (keeps() && comm_.rank() == 0) triangles = triangles_of_file(options_.state, key_, groups_);
    auto sums = std::make_shared<const std::vector<double>>(std::move(state_.sums));
    if (!triangles) triangles = triangles_in(sums);
    return calibration_of(use_.layout(), *sums, windows_.count(), windows_.length(), triangles);
  }

 private:
  enum class When { kNow, kWhenDue };

  bool keeps() const { return !options_.state.empty(); }
  int64_t windows_done() const { return std::min(state_.groups * kGroupWindows, windows_.count()); }

  void sum() {
    load();
    const ThreadCount alone(1);
    Progress progress("windows measured", windows_.count(), comm_.rank(), windows_done());
    while (state_.groups < groups_) {
      add_round();
      progress.update(windows_done(), concat(windows_.length(), " tokens each"));
      const bool stops =
          state_.groups < groups_ && any_rank(comm_, options_.stop && options_.stop());
      save(stops || state_.groups == groups_ ? When::kNow : When::kWhenDue);
      if (stops) fail_stopped();
    }
  }

  void load() {
    const UseLayout& layout = use_.layout();
    together(comm_, [&] {
      if (comm_.rank() == 0 && keeps()) state_ = read_use_state(options_.state, layout, key_);
      state_.sums.resize(static_cast<size_t>(layout.size()));
    });
    comm_.broadcast(Buffer::of(&state_.groups, 1), 0);
    if (state_.groups > 0) broadcast(state_.sums, 0);
  }

  /// Every rank's threads sum up one group each; then all ranks add them in their order.
  void add_round() {
    const int64_t first = state_.groups, ranks = comm_.size();
    const int64_t last = std::min(groups_, first + ranks * options_.threads);
    const int64_t first_mine = std::min(last, first + comm_.rank() * options_.threads);
    const int64_t mine = std::min(options_.threads, last - first_mine);
    together(comm_, [&] {
      parts_.resize(std::max(parts_.size(), static_cast<size_t>(mine)));
      parallel_for(
          static_cast<size_t>(mine),
          [&](size_t i) { sum_group(first_mine + static_cast<int64_t>(i), parts_[i]); },
          static_cast<size_t>(options_.threads));
    });
    for (int64_t group = first; group < last; ++group) {
      const auto owner = static_cast<int>((group - first) / options_.threads);
      const auto part = static_cast<size_t>((group - first) % options_.threads);
      add(comm_.rank() == owner ? parts_[part] : received_, owner);
    }
    state_.groups = last;
  }

  void sum_group(int64_t group, std::vector<double>& sums) const {
    at::init_num_threads();  // of this thread: one, as sum() says
    sums.assign(state_.sums.size(), 0.0);
    const int64_t last = std::min((group + 1) * kGroupWindows, windows_.count());
    for (int64_t window = group * kGroupWindows; window < last; ++window)
      use_.add(windows_[window], sums);
  }

  void add(std::vector<double>& part, int owner) {
    part.resize(state_.sums.size());
    if (comm_.size() > 1) broadcast(part, owner);
    std::ranges::transform(state_.sums, part, state_.sums.begin(), std::plus{});
  }

  void broadcast(std::vector<double>& sums, int root) {
    comm_.broadcast(Buffer::of(sums.data(), std::ssize(sums)), root);
  }

  /// By rank 0, whose clock alone counts.
  void save(When when) {
    together(comm_, [&] {
      if (comm_.rank() == 0 && keeps() && (pace_.due() || when == When::kNow))
        write_use_state(options_.state, use_.layout(), key_, state_);
    });
  }

  [[noreturn]] void fail_stopped() const {
    fail(ExitCode::kResumable, "stopped by a signal behind ", windows_done(), " of ",
         windows_.count(), " windows on which the model's use was measured; the same command ",
         keeps() ? "goes on from there" : "begins anew");
  }

  const WindowUse& use_;
  const TrainWindows& windows_;
  const UseOptions& options_;
  const std::string key_;
  Communicator& comm_;
  Pace pace_;
  const int64_t groups_;
  UseState state_;
  std::vector<std::vector<double>> parts_;  ///< of this rank's groups of a round
  std::vector<double> received_;            ///< another rank's
};

}  // namespace

void validate(const UseOptions& options, const ModelOptions& model) {
  require(options.tokens >= 1, ExitCode::kUsage, "the use of weights is measured on ",
          options.tokens, " tokens; give at least 1");
  require(options.window >= 0 && options.window <= model.context, ExitCode::kUsage,
          "the use of weights is measured in windows of ", options.window,
          " tokens; the model reads 1 to ", model.context, ", and 0 means all of these");
  require(options.refine_share >= 0 && options.refine_share <= 1, ExitCode::kUsage,
          "a share of refined tokens of ", options.refine_share, "; it lies between 0 and 1");
  require(options.threads >= 1, ExitCode::kUsage, "the use of weights is measured by ",
          options.threads, " threads; give at least 1");
}

Calibration measure_use(const ModelOptions& model, const Parameters& parameters,
                        const Corpus& corpus, const UseOptions& options, Communicator& comm) {
  validate(options, model);
  require(corpus.tokenizer().vocab() == model.vocab, ExitCode::kBadInput,
          "the corpus has a vocabulary of ", corpus.tokenizer().vocab(), " tokens, the model of ",
          model.vocab, "; give the corpus it was trained on");
  together(comm, [&] {
    require_finite(parameters);
    corpus.check_shards(Split::kTrain, comm.rank(), comm.size());
  });
  const TrainWindows windows(corpus, options.tokens, window_of(options, model));
  const WindowUse use(model, parameters, {options.refine_share, options.rule});
  Measuring measuring(use, windows, options, key_of(model, parameters, options, windows), comm);
  return {windows.digest(), windows.count() * windows.length(), measuring.run()};
}

}  // namespace reprise
