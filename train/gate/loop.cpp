#include "train/gate/loop.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <optional>

#include "base/comm/gpu.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/stop_request.h"
#include "base/stopwatch.h"
#include "base/version.h"
#include "models/device.h"
#include "train/checkpoint.h"
#include "train/compute.h"
#include "train/gate/frozen_model.h"
#include "train/gate/gate_file.h"
#include "train/gate/losses.h"
#include "train/gate/measure.h"
#include "train/gate/store.h"
#include "train/gate/trainer.h"
#include "train/metrics.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

/// Everything that must be the same for a checkpoint to be of this run: the options without what
/// changes no number, and model and text by what they are instead of where. Two families may have
/// the same weights, so the model's options belong to it.
json identity_of(json config, const ModelFile& model, const GateText& text) {
  for (const char* free :
       {"model", "corpus", "out", "store", "passes", "device", "threads", "checkpoint-every"})
    config["gate"].erase(free);
  config["model"] = model.record().at("config").at("model");
  config["model"]["sha256"] = model.record().at("model_sha256");
  config["tokenizer"] = model.tokenizer();
  config["corpus"] = text.corpus;
  return config;
}

/// The part of it that stored passes depend on; heads differ in the rest.
json store_identity(const json& identity, const GateOptions& options) {
  json gate{{"batches", options.distinct_batches()}, {"state", options.head.reads_state()}};
  for (const char* key : {"after", "later", "sequences", "precision", "seed"})
    gate[key] = identity["gate"][key];
  return {{"gate", gate},
          {"model", identity["model"]},
          {"tokenizer", identity["tokenizer"]},
          {"corpus", {{"train", identity["corpus"]["train"]}}}};
}

class GateRun {
 public:
  GateRun(const GateOptions& options, const ModelFile& model, const GateText& text,
          const json& config, Communicator& comm)
      : options_(options),
        model_(model),
        text_(text),
        config_(config),
        comm_(comm),
        compute_(configure_compute({options.device, "gate.device", options.threads, true}, comm)),
        device_(tensor_device(compute_.device)),
        identity_(identity_of(config, model, text)),
        trainer_(options, model.options().width, comm, device_),
        checkpoints_(fs::path(options.out) / "checkpoint", comm) {}

  TrainEnd to_the_end() {
    const StopRequest stop;
    std::optional<FileLock> lock;
    if (comm_.rank() == 0) lock.emplace(lock_folder(options_.out));
    if (any_rank(comm_, comm_.rank() == 0 && holds_this_gate())) return TrainEnd::kFinished;
    const std::optional<SampleSource> samples = open_samples(stop);
    if (!samples) return TrainEnd::kStopped;
    int64_t step = resume(*samples);
    Progress progress("steps", options_.steps, comm_.rank(), step);
    while (step < options_.steps) {
      run_step(step++, *samples, progress);
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
  /// What the model says of batches. It is loaded when it is first asked.
  SampleSource samples_of(const BatchSource& batches) {
    ObserveOptions observe = options_.observe;
    observe.rule = model_.key_rule();
    if (!frozen_) frozen_ = load_frozen(model_, compute_type(options_.precision), device_);
    return live_samples(*frozen_, {observe, options_.head.reads_state(), device_}, batches);
  }

  /// As rank 0, which holds the folder's lock, finds it.
  bool holds_this_gate() const {
    const fs::path folder = options_.out;
    const std::string fault = fault_of_gate(folder);
    if (!fault.empty()) {
      log::warning(fault, ": the head is trained again");
      fs::remove(folder / kGateRecord);
      return false;
    }
    const json record = read_gate_record(folder);
    if (record.is_null()) return false;
    require_same_identity(identity_, record["identity"], concat("the head in ", options_.out),
                          "gate.out");
    log::info(options_.out, " holds this head already");
    return true;
  }

  /// None where a signal came while the passes were stored.
  std::optional<SampleSource> open_samples(const StopRequest& stop) {
    if (options_.passes == PassesFrom::kLive) return samples_of(text_.train);
    const fs::path folder = options_.store;
    const StoreShape shape{options_.distinct_batches(), options_.sequences,
                           model_.options().context,
                           options_.head.reads_state() ? model_.options().width : 0};
    const json identity = store_identity(identity_, options_);
    std::optional<FileLock> lock;
    if (comm_.rank() == 0) lock.emplace(lock_folder(folder));
    const bool is_there = any_rank(comm_, comm_.rank() == 0 && holds_store(folder, identity));
    if (is_there) log::info(folder.string(), " holds these passes already");
    if (!is_there && !write_store(folder, identity, shape, samples_of(text_.train), comm_, stop)) {
      log::info("stopped by a signal while the passes were stored; the same command begins anew");
      return std::nullopt;
    }
    return stored_samples(folder, shape, device_);
  }

  /// Goes back to the newest checkpoint; returns the step to run next.
  int64_t resume(const SampleSource& samples) {
    const auto record = checkpoints_.newest();
    if (record) {
      const std::string place = checkpoints_.place_of(record->step).string();
      require_same_identity(identity_, record->identity, place, "gate.out");
      checkpoints_.restore(*record, trainer_.state());
      earlier_s_ = record->elapsed_s;
      layouts_ = record->layouts;
      if (layouts_.back() != layout())
        log::warning(place, " was written on ", layouts_.back().dump(), ", this is ",
                     layout().dump(), ": the result will differ in its last bits");
      log::info("goes on from ", place);
    } else {
      trainer_.balance(samples);
    }
    const int64_t step = record ? record->step : 0;
    if (layouts_.empty() || layouts_.back() != layout()) layouts_.push_back(layout());
    if (comm_.rank() == 0) metrics_.emplace(fs::path(options_.out) / kMetrics, step);
    last_saved_ = step;
    return step;
  }

  /// What the bits of a result depend on beside the identity.
  json layout() const {
    return {
        {"ranks", comm_.size()}, {"threads", compute_.threads}, {"device", compute_.device.name}};
  }

  void run_step(int64_t step, const SampleSource& samples, Progress& progress) {
    const Stopwatch watch;
    const GateReport report = trainer_.step(step, samples);
    if (!report.fault.empty())
      fail(ExitCode::kFailure, report.fault, " is not finite in step ", step, "; ",
           last_saved_ > 0
               ? concat("the last good checkpoint is ", checkpoints_.place_of(last_saved_).string())
               : "there is no checkpoint",
           "; try a lower gate.rate, and whether the model itself is sound");
    last_ = report;
    if (comm_.rank() != 0) return;
    const double tokens_per_s =
        static_cast<double>(options_.sequences * model_.options().context) / watch.seconds();
    metrics_->append({{"step", step},
                      {"loss", report.loss},
                      {"label_share", report.label_share},
                      {"open_share", report.open_share},
                      {"gain_nats", report.gain_nats},
                      {"multiplier", report.multiplier},
                      {"gradient_norm", report.gradient_norm},
                      {"rate_factor", report.rate_factor},
                      {"tokens_per_s", tokens_per_s},
                      {"elapsed_s", elapsed_s()}});
    progress.update(step + 1, concat("loss ", fixed(report.loss, 4), ", open for ",
                                     fixed(100 * report.open_share, 1), " %, ",
                                     fixed(tokens_per_s / 1000, 1), " ktok/s"));
  }

  double elapsed_s() const { return earlier_s_ + watch_.seconds(); }

  void save(int64_t step) {
    if (comm_.rank() == 0) metrics_->sync();
    const CheckpointRecord record{
        step,     elapsed_s(), comm_.size(), compute_.threads, compute_.device.name,
        layouts_, identity_};
    if (!checkpoints_.save(record, trainer_.state())) return;
    checkpoints_.keep_only(step);  // its weights are finite, and so were the losses before them
    last_saved_ = step;
  }

  TrainEnd stopped(int64_t step) const {
    require(last_saved_ == step, ExitCode::kFailure, "stopped by a signal behind step ", step,
            ", but no checkpoint of it could be written");
    log::info("stopped by a signal behind step ", step, "; the same command goes on from there");
    return TrainEnd::kStopped;
  }

  void finish() {
    const SampleSource held_out = samples_of(text_.valid);
    const GateHead head = trainer_.head().to(at::kFloat);  // as it is written
    const json valid = measure_gate(head, options_.head, options_.objective, held_out,
                                    text_.valid_sequences, comm_);
    if (comm_.rank() == 0) {
      metrics_->sync();
      write_gate(options_.out, head, record(valid));
    }
    checkpoints_.remove_all();
    comm_.barrier();
  }

  json record(const json& valid) const {
    const double share = trainer_.positive_share();
    const bool weighs = options_.objective.target != GateTarget::kRegression;
    return {{"config", config_},
            {"config_digest", digest_of(config_)},
            {"identity", identity_},
            {"inputs", gate_inputs(options_.head, model_.options().width)},
            {"parameters", trainer_.head().count()},
            {"sees", sees()},
            {"labels",
             {{"positive_share", share},
              {"positive_weight", weighs ? json(positive_weight(share)) : json()}}},
            {"multiplier", trainer_.multiplier()},
            {"last_step",
             {{"loss", last_.loss},
              {"label_share", last_.label_share},
              {"open_share", last_.open_share},
              {"gain_nats", last_.gain_nats}}},
            {"valid", valid},
            {"tokens", options_.steps * options_.sequences * model_.options().context},
            {"elapsed_s", elapsed_s()},
            {"layouts", layouts_},
            {"program", concat(version(), ", ", build_summary())}};
  }

  /// What the head may read of a position: whoever applies it gives it this and no more.
  json sees() const {
    json names = json::array();
    if (options_.head.reads_state()) names.push_back("state");
    if (options_.head.reads_signals())
      for (const char* signal : {"entropy_share", "margin", "max_probability"})
        names.push_back(signal);
    const int64_t after = options_.observe.after;
    return {{"inputs", names},
            {"after_pass", after > 0 ? after : model_.options().passes},
            {"positions", "its own and earlier ones"},
            {"target", false}};
  }

  const GateOptions& options_;
  const ModelFile& model_;
  const GateText& text_;
  const json& config_;
  Communicator& comm_;
  Compute compute_;
  at::Device device_;
  json identity_;
  std::optional<Network> frozen_;
  GateTrainer trainer_;
  CheckpointFolder checkpoints_;
  std::optional<MetricsFile> metrics_;  ///< on rank 0
  json layouts_ = json::array();
  GateReport last_;
  int64_t last_saved_ = 0;
  double earlier_s_ = 0;  ///< before this start
  Stopwatch watch_;
};

}  // namespace

TrainEnd train_gate(const GateOptions& options, const ModelFile& model, const GateText& text,
                    const json& config, Communicator& comm) {
  validate(options);
  validate(options, model.options());
  require_agreement(comm, "configuration", digest_of(config));
  return GateRun(options, model, text, config, comm).to_the_end();
}

}  // namespace reprise
