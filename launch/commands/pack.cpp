// reprise pack: a trained model -> an artifact of exactly so many bytes, its gate set on valid
// text.
#include <unistd.h>

#include <array>
#include <iostream>
#include <optional>

#include "base/digest.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/large_buffers.h"
#include "base/log.h"
#include "base/pace.h"
#include "data/corpus.h"
#include "eval/calibrate.h"
#include "eval/unit.h"
#include "launch/command.h"
#include "launch/pack_allowance.h"
#include "launch/pack_model.h"
#include "launch/pack_outputs.h"
#include "launch/pack_use.h"
#include "models/artifact/artifact.h"
#include "models/artifact/ledger.h"
#include "models/artifact/packing/packer.h"
#include "train/model_file.h"

namespace reprise {
namespace {

constexpr std::array kBeside{kPackSummarySuffix, kPackLedgerSuffix};

[[noreturn]] void fail_stopped(const PackOptions& options) {
  fail(ExitCode::kResumable, "stopped by a signal before ", options.out,
       " was written; the same command packs again",
       uses_calibration(options) ? ", by what it has measured" : "");
}

/// The weights are in memory while it runs, and no longer.
std::string pack_and_tell(const PackOptions& options, const Tokenizer& tokenizer,
                          std::optional<Calibration> calibration, const Judge& judge,
                          const StopRequest& stop, nlohmann::json& summary) {
  UnpackedModel model = read_weights(options, tokenizer);
  model.calibration = std::move(calibration);
  give_back_large_buffers();
  Pace pace(kLogPause);
  const auto tell = [&](int64_t bytes) {
    if (stop.arrived()) fail_stopped(options);
    const auto level = pace.due() ? log::Level::kInfo : log::Level::kDebug;
    log::write(level, concat("built ", bytes, " bytes for a target of ", options.bytes));
  };
  const PackHooks hooks{tell, judge};
  Packed packed = pack(model, options, hooks);
  summary.update(to_json(packed));
  return std::move(packed.file);
}

std::string ledger_name(const std::string& out) { return concat(out, kPackLedgerSuffix); }
std::string summary_name(const std::string& out) { return concat(out, kPackSummarySuffix); }

std::vector<std::filesystem::path> inputs_of(const PackOptions& options) {
  std::vector<std::filesystem::path> inputs{options.corpus};
  for (const char* file : kModelFiles)
    inputs.push_back(std::filesystem::path(options.model) / file);
  if (!options.code.empty()) inputs.emplace_back(options.code);
  if (!options.gate.empty()) inputs.emplace_back(options.gate);
  return inputs;
}

/// Before anything is measured: what is kept has a place of its own that can be written to.
void require_calibration_place(const std::filesystem::path& file, const PackOptions& options,
                               int rank) {
  constexpr const char* kOption = "--pack.calibration";
  require_place_for(file, kOption, OutputKind::kFile, inputs_of(options));
  for (const std::string& output :
       {options.out, ledger_name(options.out), summary_name(options.out)})
    require(place_of(file) != place_of(output), ExitCode::kUsage, kOption, " ", file.string(),
            ": it is also written by --pack.out; name another place");
  if (rank != 0 || std::filesystem::exists(file)) return;
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  make_folder(folder);
  require(::access(folder.c_str(), W_OK) == 0, ExitCode::kUsage, kOption, " ", file.string(),
          ": the folder cannot be written to; name another place");
}

/// The artifact, and beside it its ledger and how it came about. All are on the disk before any has
/// its name, and the artifact gets its own last: where it is, the others are, and of it.
void write_files(const Artifact& artifact, const nlohmann::json& ledger,
                 const nlohmann::json& summary, const std::string& out) {
  make_folder(std::filesystem::absolute(out).parent_path());
  replace_file(out, [&](const std::filesystem::path& first) {
    write_artifact(first, artifact);
    replace_file(summary_name(out), [&](const std::filesystem::path& second) {
      write_file(second, summary.dump(1) + "\n");
      write_file(ledger_name(out), ledger.dump(1) + "\n");
    });
  });
}

void write_outputs(const Artifact& artifact, const nlohmann::json& record,
                   const PackOptions& options) {
  const Ledger ledger(artifact, options.code_bytes);
  nlohmann::json summary = record, ledger_json = ledger.to_json();
  const std::string file = serialise(artifact);
  ledger_json["artifact_sha256"] = to_hex(sha256(file));
  summary["artifact"] = {{"bytes", file.size()},
                         {"counted_bytes", ledger.counted_bytes()},
                         {"sha256", to_hex(sha256(file))},
                         {"weights_digest", artifact.digest},
                         {"gate_signal", artifact.gate.signal},
                         {"gate_threshold", artifact.gate.threshold},
                         {"gate_fraction", artifact.gate.fraction},
                         {"gate_calibrated_on", artifact.gate.calibrated_on}};
  write_files(artifact, ledger_json, summary, options.out);
  std::cout << ledger.to_table();
  log::info("wrote ", options.out, ": ", file.size(), " bytes",
            options.bytes > 0
                ? concat(", ", options.bytes - ledger.counted_bytes(), " below the target")
                : "");
}

}  // namespace

ExitCode run_pack(std::span<const std::string> words, Communicator& comm) {
  PackOptions options;
  ScoringOptions scoring;
  UseOptions use;
  OptionSet set(
      "pack",
      "packs a trained model into an artifact of exactly so many bytes, and sets its gate "
      "on text cut as --eval.* will cut it");
  set.add("pack", options).add("use", use).add("eval", scoring);
  if (!set.parse(words)) return ExitCode::kOk;
  require_agreement(comm, "the configuration", set.digest());
  validate(options);
  validate(scoring);
  require(!options.out.empty(), ExitCode::kUsage, "give --pack.out, the file to write");
  for (const std::string& file : {options.out, ledger_name(options.out), summary_name(options.out)})
    require_place_for(file, "--pack.out", OutputKind::kFile, inputs_of(options));

  const CountedCode code = count_code(options, comm);
  const Corpus corpus(options.corpus);
  const Trained trained = read_trained(options, corpus);
  const Family family = trained.options.family;
  require(!options.reapply || !loops(family), ExitCode::kUsage,
          "pack.reapply is for families whose layers run once; ", options.model,
          " is of the family ", enum_name(family), ", whose core the gate runs again anyway");
  require(!options.reapply || options.refine_share > 0, ExitCode::kUsage,
          "pack.reapply sets a gate, and pack.refine-share 0 wants none; give one of them");
  const bool refines = (loops(family) || options.reapply) && options.refine_share > 0;
  UnitOptions units;
  require(options.gate.empty() || refines, ExitCode::kUsage,
          "--pack.gate names a head, and there is no gate that reads it; give pack.refine-share "
          "above 0, and for families whose layers run once pack.reapply");
  std::filesystem::path calibration;
  together(comm, [&] {  // refused before the lock and the work of packing
    units = unit_options(scoring, trained.options);
    use.refine_share = refines ? options.refine_share : 0;
    use.rule = trained.rule;
    validate(use, trained.options);
    if (uses_calibration(options)) {
      calibration = calibration_file(options, use, corpus);
      require_calibration_place(calibration, options, comm.rank());
    }
    if (refines || options.compare_tokens > 0)
      corpus.check_shards(Split::kValid, comm.rank(), comm.size());
    if (options.quantiser.allocation == Allocation::kHand)
      corpus.check_shards(Split::kTrain, comm.rank(), comm.size());
  });
  const StopRequest stop;
  std::optional<FileLock> lock;
  if (comm.rank() == 0) lock.emplace(lock_output(options.out, kBeside));
  std::string file;
  std::optional<Calibration> measured;
  nlohmann::json packing;
  if (uses_calibration(options)) {
    Calibration known = calibrate(options, use, calibration, corpus, stop, comm);
    packing["calibration"] = {{"text", known.text}, {"tokens", known.tokens}};
    if (comm.rank() == 0) measured = std::move(known);
  }
  if (comm.rank() == 0)
    file = pack_and_tell(code.options, corpus.tokenizer(), std::move(measured),
                         train_text_judge(corpus, units), stop, packing);
  // From here on, every rank knows the weights only as they come back from the packed bytes.
  Artifact artifact = parse_artifact(broadcast_text(comm, std::move(file)), options.out);

  if (refines)
    artifact.gate =
        calibrate_gate(artifact, corpus, {options.refine_share, scoring, options.threads}, comm);
  if (any_rank(comm, stop.arrived())) fail_stopped(options);
  if (comm.rank() == 0 && options.compare_tokens > 0)
    packing["loss"] = to_json(measure_packing_loss(options, artifact, corpus, units, refines));
  if (comm.rank() == 0)
    write_outputs(artifact,
                  {{"config", set.resolved()},
                   {"config_sha256", set.digest()},
                   {"trained", trained.record},
                   {"gate", trained.gate},
                   {"code", code.record},
                   {"packing", packing}},
                  code.options);
  comm.barrier();  // the file is whole before any rank goes on
  return ExitCode::kOk;
}

}  // namespace reprise
