#include "eval/evaluate.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <optional>
#include <ranges>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/stopwatch.h"
#include "eval/gate_choice.h"
#include "eval/model.h"
#include "eval/results.h"
#include "eval/start_device.h"
#include "eval/stats/score.h"
#include "eval/trace/merge.h"
#include "eval/trace/validate.h"
#include "eval/unit.h"
#include "models/device.h"

namespace reprise {
namespace fs = std::filesystem;
namespace {

/// What `work` gives, or its error with the file that is to blame in front.
template <class Work>
auto naming(const std::string& file, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    fail(error.code(), file, ": ", error.what());
  }
}

void tell_nan_scores(int64_t times) {
  if (times > 0)
    log::warning("the gate was shown a signal that is not a number ", times,
                 " times; those tokens were refined last, as accounting.nan_scores tells");
}

/// The last of the longest, all of whose positions are scored: a gate decides about each of them.
Window read_alone(const std::vector<Window>& windows) {
  Window window = *std::ranges::max_element(windows | std::views::reverse, {}, &Window::length);
  window.scored = window.first;
  return window;
}

/// The gate and its control, or none.
SecondPass make_second_pass(const Artifact& artifact, const GateChoice& choice,
                            const EvalOptions& options, at::Device device) {
  const RefineOptions how{rule_of(options.key_rule, KeyRule::kCoarse), options.coda};
  return {.gate = choice.gate,
          .control_seed = static_cast<uint64_t>(options.seed),
          .plan = {how, options.refinements},
          .policy = choice.policy,
          .head = stored_head(artifact, device),
          .records_signals = options.signals == RecordSignals::kAll};
}

class Evaluation {
 public:
  /// `options` names the device that `device` is.
  Evaluation(const ScoredArtifact& artifact, const Corpus& corpus, const GateChoice& gate,
             const EvalOptions& options, const ComputeDevice& device, Communicator& comm,
             const StopRequest& stop)
      : corpus_(corpus),
        options_(options),
        comm_(comm),
        stop_(stop),
        attributes_(describe(artifact, corpus, gate, options, comm)),
        network_(naming(options.artifact,
                        [&] {
                          return make_network(artifact.artifact, options.precision,
                                              tensor_device(device));
                        })),
        scorer_(network_, naming(options.artifact,
                                 [&] {
                                   return make_second_pass(artifact.artifact, gate, options,
                                                           tensor_device(device));
                                 })),
        slicer_(corpus.train_counts(), options.rare_share, options.early_tokens),
        unit_options_(unit_options(options, network_.options())),
        unit_scorer_(scorer_, corpus.tokenizer(), slicer_, unit_options_),
        units_(plan_units(corpus.documents(options.split), options.unit_tokens)) {
    attributes_.versions["device"] = device.name;
    if (scorer_.passes() == Passes::kRefined) describe_second_pass(options, attributes_);
  }

  Outcome run() {
    if (!finished_before()) {
      const std::vector<CheckResult> checks =
          run_checks(CheckedOperations(scorer_), check_samples(), options_.precision, comm_);
      require_passed(checks, scorer_.passes());
      SegmentLedger ledger(segments_folder(), attributes_.configuration_digest, comm_);
      score_segments(ledger);
      if (any_rank(comm_, stop_.arrived() && !my_part_is_done_)) return Outcome::kStopped;
      join(ledger.all(comm_), checks);
    }
    if (comm_.rank() == 0) {
      write_results(trace_path());
      fs::remove_all(segments_folder());
    }
    comm_.barrier();
    return Outcome::kFinished;
  }

 private:
  fs::path trace_path() const { return fs::path(options_.out) / "trace.h5"; }
  fs::path segments_folder() const { return fs::path(options_.out) / "segments"; }

  /// As rank 0, which holds the folder's lock, finds it.
  bool finished_before() const { return any_rank(comm_, comm_.rank() == 0 && holds_this_trace()); }

  /// Throws kBadInput where the trace that is there is one of another configuration. One that
  /// cannot be read is scored again, so that a study goes on by itself.
  bool holds_this_trace() const {
    if (!fs::exists(trace_path())) return false;
    std::string found;
    try {
      found = TraceReader(trace_path()).attributes().configuration_digest;
    } catch (const Error& error) {
      if (error.code() != ExitCode::kBadInput)
        fail(error.code(), error.what(), "; give another --eval.out or delete it");
      log::warning(error.what(), ": the text is scored again");
      fs::remove(trace_path());
      return false;
    }
    require(found == attributes_.configuration_digest, ExitCode::kBadInput, trace_path().string(),
            ": a trace of another configuration; give another --eval.out or delete it");
    log::info(trace_path().string(), " is already there");
    return true;
  }

  /// One window from each of `check_windows` units, spread evenly over the split.
  std::vector<ScoringBatch> check_samples() const {
    std::vector<ScoringBatch> samples;
    const auto wanted =
        std::min<size_t>(units_.size(), static_cast<size_t>(options_.check_windows));
    for (size_t k = 0; k < wanted; ++k) {
      const UnitText text = read_unit(corpus_, options_.split, units_[k * units_.size() / wanted]);
      std::vector<Window> windows = unit_windows(text, unit_options_);
      if (!windows.empty()) samples.push_back(make_batch(text, {read_alone(windows)}));
    }
    return samples;
  }

  int64_t tokens_of(UnitRange range) const {
    int64_t tokens = 0;
    for (int64_t u = range.first; u < range.end(); ++u) {
      const WorkUnit& unit = units_[static_cast<size_t>(u)];
      for (int64_t d = 0; d < unit.documents; ++d)
        tokens +=
            corpus_.documents(options_.split)[static_cast<size_t>(unit.first_document + d)].tokens -
            1;
    }
    return tokens;
  }

  /// Every size-th unfinished range is this rank's: units hold about the same number of tokens.
  std::vector<UnitRange> my_ranges(const SegmentLedger& ledger) const {
    const auto ranges =
        unfinished_ranges(std::ssize(units_), options_.segment_units, ledger.finished());
    std::vector<UnitRange> mine;
    for (size_t i = static_cast<size_t>(comm_.rank()); i < ranges.size();
         i += static_cast<size_t>(comm_.size()))
      mine.push_back(ranges[i]);
    return mine;
  }

  void score_segments(SegmentLedger& ledger) {
    const std::vector<UnitRange> ranges = my_ranges(ledger);
    int64_t total = 0;
    for (const UnitRange& range : ranges) total += tokens_of(range);
    Progress progress(comm_.size() == 1 ? "tokens" : "tokens of rank 0", total, comm_.rank());
    for (const UnitRange& range : ranges) {
      if (!score_segment(range, ledger, progress)) return;
    }
    my_part_is_done_ = true;
  }

  /// Returns false where a signal came before the last unit; what was scored until then is a
  /// segment all the same.
  bool score_segment(UnitRange range, SegmentLedger& ledger, Progress& progress) {
    Trace segment;
    segment.passes = scorer_.passes();
    Accounting spent;
    UnitRange scored{range.first, 0};
    while (scored.count < range.count && !stop_.arrived()) {
      const WorkUnit unit = units_[static_cast<size_t>(scored.end())];
      add_unit(segment, unit_scorer_.score(read_unit(corpus_, options_.split, unit), spent));
      ++scored.count;
      progress.update(scored_tokens_, progress_note(progress));
    }
    if (scored.count > 0) {
      segment.attributes = attributes_;
      segment.attributes.accounting = to_json(spent);
      validate(segment, concat("units ", scored.first, " to ", scored.end()));
      ledger.add(scored, [&](const fs::path& path) {
        write_trace(path, scorer_.recorded(), segment.tokens, segment.documents,
                    segment.attributes);
      });
    }
    return scored.count == range.count;
  }

  /// Appends a unit's columns, whose rows count from its own first.
  void add_unit(Trace& segment, UnitColumns unit) {
    const std::vector<double>& nats =
        scorer_.passes() == Passes::kRefined ? unit.documents.nats_gated : unit.documents.nats_base;
    for (size_t d = 0; d < nats.size(); ++d)
      scores_.push_back({Nats{nats[d]}, Bytes{static_cast<int64_t>(unit.documents.bytes[d])}});
    scored_tokens_ += std::ssize(unit.tokens.token);
    shift_rows(unit.tokens, unit.documents, segment.tokens.token.size(),
               segment.documents.tokens.size());
    append_columns(segment.tokens, unit.tokens);
    append_columns(segment.documents, unit.documents);
  }

  std::string progress_note(const Progress& progress) const {
    const double per_second = static_cast<double>(scored_tokens_) / progress.elapsed_s();
    const std::string error =
        scores_.size() < 2 ? "" : concat(" ± ", fixed(delta_standard_error(scores_), 4));
    return concat(fixed(per_second / 1000, 1), " ktok/s, ", fixed(bits_per_byte(scores_), 4), error,
                  " bits per byte");
  }

  void join(const std::vector<Segment>& segments, const std::vector<CheckResult>& checks) const {
    if (comm_.rank() != 0) return;
    const Stopwatch watch;
    double writing_s = 0;
    for (const Segment& segment : segments) writing_s += segment.writing_s;
    merge_segments(segments_folder(), segments, std::ssize(units_), trace_path(),
                   [&](const std::vector<TraceAttributes>& parts) {
                     TraceAttributes whole =
                         join_attributes(parts, checks, writing_s + watch.seconds());
                     whole.ranks = comm_.size();
                     tell_nan_scores(whole.accounting.at("nan_scores"));
                     return whole;
                   });
  }

  const Corpus& corpus_;
  const EvalOptions& options_;
  Communicator& comm_;
  const StopRequest& stop_;
  TraceAttributes attributes_;
  Network network_;
  Scorer scorer_;
  Slicer slicer_;
  UnitOptions unit_options_;
  UnitScorer unit_scorer_;
  std::vector<WorkUnit> units_;
  bool my_part_is_done_ = false;
  int64_t scored_tokens_ = 0;  ///< by this rank in this run
  DocumentScores scores_;      ///< of the documents behind them, for the progress line
};

/// The options with the device and the windows they come to, which a prediction depends on: what a
/// trace stores, and what must be the same in two that are compared.
EvalOptions resolved(EvalOptions options, const ModelOptions& model, const ComputeDevice& device) {
  options.device = device.on_gpu() ? DeviceChoice::kCuda : DeviceChoice::kCpu;
  const WindowOptions windows = unit_options(options, model).windows;
  options.window = windows.length;
  options.stride = windows.stride;
  return options;
}

}  // namespace

Outcome evaluate(const ScoredArtifact& artifact, const Corpus& corpus, const EvalOptions& options,
                 Communicator& comm, const StopRequest& stop) {
  validate(options);
  require_tokenizer(artifact.artifact, corpus);
  require(!corpus.documents(options.split).empty(), ExitCode::kBadInput, "the split ",
          enum_name(options.split), " of ", options.corpus, " holds no document");
  together(comm, [&] { corpus.check_shards(options.split, comm.rank(), comm.size()); });
  at::set_num_threads(static_cast<int>(options.threads));
  const ComputeDevice device = start_device(options.device, comm);
  const ModelOptions model =
      naming(options.artifact, [&] { return model_options(artifact.artifact); });
  EvalOptions options_there = resolved(options, model, device);
  const GateChoice gate = choose_gate(artifact, corpus, options_there);
  require(gate.gate || options.key_rule == RuleChoice::kStored, ExitCode::kUsage,
          "--eval.key-rule ", enum_name(options.key_rule),
          " is for a second pass, and there is none; pack the artifact with a gate, or give "
          "--eval.gate");
  const EvalOptions usual;
  require(gate.gate || (options.refinements == usual.refinements && options.coda == usual.coda),
          ExitCode::kUsage,
          "--eval.refinements and --eval.coda are for a second pass, and there is none; pack the "
          "artifact with a gate, or give --eval.gate");
  const KeyRule stored = artifact.artifact.gate.keys;
  options_there.key_rule =
      gate.gate ? choice_of(rule_of(options.key_rule, stored)) : RuleChoice::kStored;
  Evaluation evaluation(artifact, corpus, gate, options_there, device, comm, stop);
  // Behind everything that refuses the run without a folder of its own.
  std::optional<FileLock> lock;
  if (comm.rank() == 0) lock.emplace(lock_folder(options.out));
  comm.barrier();  // no rank reads the folder before it is this run's
  return evaluation.run();
}

}  // namespace reprise
