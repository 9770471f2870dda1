#include "train/loop.h"

#include <ATen/ATen.h>

#include <chrono>
#include <filesystem>

#include "base/comm/gpu.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/stop_request.h"
#include "base/units.h"
#include "base/version.h"
#include "models/device.h"
#include "train/checkpoint.h"
#include "train/compute.h"
#include "train/matrix_peak.h"
#include "train/metrics.h"
#include "train/model_file.h"
#include "train/start.h"
#include "train/tensor_file.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

/// The model whose weights the run begins with, if any. Collective.
std::optional<ModelFile> open_start(const TrainOptions& options, const ModelOptions& model,
                                    const TrainingText& text, Communicator& comm) {
  std::optional<ModelFile> file;
  if (options.start_from.empty()) return file;
  together(comm, [&] {
    file.emplace(options.start_from);
    require_start(model, file->options());
    file->require_tokenizer(text.tokenizer, options.corpus);
  });
  return file;
}

/// Everything that must be the same for a checkpoint to be of this run: the configuration without
/// what may change from one start to the next, text and first weights by their digests instead of
/// their places.
json identity_of(json config, const TrainingText& text, const std::optional<ModelFile>& start) {
  config["train"]["start-from"] = start ? start->record()["model_sha256"] : json("");
  for (const char* free : {"corpus", "out", "device", "threads", "checkpoint-every",
                           "micro-sequences", "shard-optimiser"})
    config["train"].erase(free);
  config["corpus"] = text.corpus;
  config["tokenizer"] = text.tokenizer;
  return config;
}

class Run {
 public:
  Run(const ModelOptions& model, const TrainOptions& options, const json& config,
      const TrainingText& text, Communicator& comm)
      : options_(options),
        config_(config),
        text_(text),
        comm_(comm),
        compute_(configure_compute(
            {options.device, "train.device", options.threads, options.deterministic}, comm)),
        parent_(open_start(options, model, text, comm)),
        identity_(identity_of(config, text, parent_)),
        trainer_(model, options, comm, tensor_device(compute_.device)),
        checkpoints_(fs::path(options.out) / "checkpoint", comm) {}

  TrainEnd to_the_end() {
    const StopRequest stop;
    std::optional<FileLock> lock;
    if (comm_.rank() == 0) lock.emplace(lock_folder(options_.out));
    if (is_finished()) return TrainEnd::kFinished;
    int64_t step = resume();
    peak_ = sum_over_ranks(comm_,
                           measure_matrix_peak(compute_type(options_.precision), compute_.device));
    Progress progress("steps", options_.steps, comm_.rank(), step);
    while (step < options_.steps) {
      run_step(step++, progress);
      const bool stopping = any_rank(comm_, stop.arrived());
      if (step == options_.steps) break;
      const bool due = options_.checkpoint_every > 0 && step % options_.checkpoint_every == 0;
      if (due || stopping) save(step);
      if (stopping) return stopped(step);
    }
    finish();
    return TrainEnd::kFinished;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  /// As rank 0, which holds the folder's lock, finds it.
  bool is_finished() const { return any_rank(comm_, comm_.rank() == 0 && holds_this_model()); }

  /// A folder that lost a file, or in which one was cut, is trained in again, so that a study goes
  /// on by itself.
  bool holds_this_model() const {
    const fs::path folder = options_.out;
    std::string fault = fault_of_record(folder);
    if (fault.empty()) {
      const json record = read_model_record(folder);
      if (record.is_null()) return false;
      require_same_identity(identity_, record.value("identity", json::object()),
                            concat("the model in ", options_.out));
      fault = fault_of_file(folder / kWeights, record["model_sha256"]);
      if (fault.empty())
        fault = fault_of_file(folder / kMetrics, text_at(record, "metrics_sha256"));
    }
    if (fault.empty()) {
      log::info(options_.out, " holds this model already");
      return true;
    }
    log::warning(fault, ": the model is trained again");
    fs::remove(folder / kMetrics);  // of which a part may be damaged
    fs::remove(folder / kRecord);
    return false;
  }

  /// What the bits of a result depend on beside the configuration's identity.
  json layout() const {
    return {{"ranks", comm_.size()},
            {"threads", compute_.threads},
            {"device", compute_.device.name},
            {"micro_sequences", options_.micro_sequences}};
  }

  static std::string describe(const json& layout) {
    const auto at_once = layout.value("micro_sequences", int64_t{0});
    return concat(layout["ranks"], " ranks x ", layout["threads"], " threads on ",
                  layout["device"].get<std::string>(),
                  at_once > 0 ? concat(", ", at_once, " sequences at once") : "");
  }

  /// Goes back to the newest checkpoint; returns the step to run next.
  int64_t resume() {
    make_folder(options_.out);
    const auto record = checkpoints_.newest();
    if (!record) {
      if (parent_) trainer_.start_from(*parent_);
      return begin_at(0);
    }
    const std::string place = checkpoints_.place_of(record->step).string();
    require_same_identity(identity_, record->identity, place);
    checkpoints_.restore(*record, trainer_.state());
    layouts_ = record->layouts;
    const std::string theirs = describe(layouts_.back()), ours = describe(layout());
    begin_at(record->step);
    if (theirs != ours)
      log::warning(place, " was written by ", theirs, ", this is ", ours,
                   ": the result will differ in its last bits");
    log::info("goes on from ", place);
    last_saved_ = record->step;
    is_proven_ = false;
    earlier_s_ = record->elapsed_s;
    return record->step;
  }

  int64_t begin_at(int64_t step) {
    if (comm_.rank() == 0) metrics_.emplace(fs::path(options_.out) / kMetrics, step);
    note_layout(step);
    return step;
  }

  /// From `step` on the run has this layout.
  void note_layout(int64_t step) {
    const json now = layout();
    json last = layouts_.empty() ? json::object() : layouts_.back();
    last.erase("first_step");
    if (last == now) return;
    layouts_.push_back(now);
    layouts_.back()["first_step"] = step;
  }

  void run_step(int64_t step, Progress& progress) {
    const auto start = Clock::now();
    const StepReport report = trainer_.step(step, text_.batches);
    if (!report.fault.empty()) fail_at(step, report.fault);
    note_good_step();
    if (compute_.device.on_gpu()) wait_for_gpu();  // a step's time is that of its work
    if (comm_.rank() != 0) return;
    const double tokens_per_s =
        static_cast<double>(trainer_.tokens_per_step()) / seconds_since(start);
    const double peak_share = trainer_.flops_per_step(step) / seconds_since(start) / peak_;
    metrics_->append(line_of(step, report, tokens_per_s, peak_share));
    progress.update(step + 1,
                    concat("loss ", fixed(report.loss, 3), ", ", fixed(tokens_per_s / 1000, 1),
                           " ktok/s, ", fixed(100 * peak_share, 0), " % of the matrix peak"));
  }

  json line_of(int64_t step, const StepReport& report, double tokens_per_s,
               double peak_share) const {
    json line{
        {"step", step},
        {"loss", report.loss},
        {"bits_per_byte", to_bits(Nats{report.parts.at(0).second}).value / text_.bytes_per_token},
        {"passes", report.passes},
        {"rate_factor", report.rate_factor},
        {"gradient_norm", report.gradient_norm},
        {"tokens", (step + 1) * trainer_.tokens_per_step()},
        {"tokens_per_s", tokens_per_s},
        {"elapsed_s", earlier_s_ + seconds_since(start_)},
        {"peak_share", peak_share}};
    for (const auto& [name, nats] : report.parts) line["loss_" + name] = nats;
    for (const auto& [name, value] : report.measures) line[name] = value;
    return line;
  }

  /// A checkpoint whose weights give no finite loss would be of no use, so the one before it goes
  /// only now.
  void note_good_step() {
    if (last_saved_ && !is_proven_) checkpoints_.keep_only(*last_saved_);
    is_proven_ = true;
  }

  [[noreturn]] void fail_at(int64_t step, const std::string& fault) const {
    fail(ExitCode::kFailure, fault, " is not finite in step ", step, "; ", last_good(step),
         "; try lower learning rates or train.clip-norm");
  }

  /// Where a run that failed in `step` might go on from, in words.
  std::string last_good(int64_t step) const {
    if (!last_saved_) return "there is no checkpoint";
    const auto place = [&](int64_t of) { return checkpoints_.place_of(of).string(); };
    if (*last_saved_ < step) return concat("the last good checkpoint is ", place(*last_saved_));
    const auto older = checkpoints_.newest_before(step);
    if (!older) return concat("there is no good checkpoint, ", place(step), " gave this");
    return concat("the last good checkpoint is ", place(*older), ", since ", place(step),
                  " gave this");
  }

  bool save(int64_t step) {
    if (comm_.rank() == 0) metrics_->sync();
    const CheckpointRecord record{step,
                                  earlier_s_ + seconds_since(start_),
                                  comm_.size(),
                                  compute_.threads,
                                  compute_.device.name,
                                  layouts_,
                                  identity_};
    const bool saved = checkpoints_.save(record, trainer_.state());
    if (saved) last_saved_ = step, is_proven_ = false;
    return saved;
  }

  TrainEnd stopped(int64_t step) const {
    require(last_saved_ == step, ExitCode::kFailure, "stopped by a signal behind step ", step,
            ", but no checkpoint of it could be written");
    log::info("stopped by a signal behind step ", step, "; the same command goes on from there");
    return TrainEnd::kStopped;
  }

  void finish() {
    trainer_.finish();
    if (comm_.rank() == 0) {
      metrics_->sync();
      std::vector<NamedTensor> weights;
      for (const auto& parameter : trainer_.parameters().list())
        weights.push_back({parameter.name, parameter.tensor});
      const HostArrays arrays(weights);
      write_model(options_.out, arrays.views(), record());
    }
    comm_.barrier();
    checkpoints_.remove_all();
  }

  json record() const {
    return {{"config", config_},
            {"config_digest", digest_of(config_)},
            {"identity", identity_},
            {"metrics_sha256", to_hex(sha256_file(fs::path(options_.out) / kMetrics))},
            {"tokenizer_sha256", text_.tokenizer},
            {"corpus", text_.corpus},
            {"weights", options_.optimiser.ema > 0 ? "average" : "last"},
            {"parameters", trainer_.parameters().count()},
            {"tokens", options_.steps * trainer_.tokens_per_step()},
            {"elapsed_s", earlier_s_ + seconds_since(start_)},
            {"ranks", comm_.size()},
            {"threads", compute_.threads},
            {"device", compute_.device.name},
            {"layouts", layouts_},
            {"program", concat(version(), ", ", build_summary())}};
  }

  const TrainOptions& options_;
  const json& config_;
  const TrainingText& text_;
  Communicator& comm_;
  Compute compute_;
  std::optional<ModelFile> parent_;  ///< whose weights it begins with
  json identity_;
  Trainer trainer_;
  CheckpointFolder checkpoints_;
  std::optional<MetricsFile> metrics_;  ///< on rank 0
  json layouts_ = json::array();
  std::optional<int64_t> last_saved_;
  bool is_proven_ = true;  ///< the last saved: a step from its weights was finite
  double peak_ = 0;        ///< operations a second, all ranks
  double earlier_s_ = 0;   ///< before this start
  Clock::time_point start_ = Clock::now();
};

}  // namespace

TrainEnd train(const ModelOptions& model, const TrainOptions& options, const json& config,
               const TrainingText& text, Communicator& comm) {
  validate(options, model);
  require_agreement(comm, "configuration", digest_of(config));
  return Run(model, options, config, text, comm).to_the_end();
}

}  // namespace reprise
