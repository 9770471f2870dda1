// reprise pack: a trained model -> an artifact of exactly so many bytes, its gate set on valid
// text.
#include <iostream>

#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "data/corpus.h"
#include "eval/calibrate.h"
#include "launch/command.h"
#include "models/artifact/artifact.h"
#include "models/artifact/ledger.h"
#include "models/artifact/packer.h"
#include "models/parameters.h"
#include "train/model_file.h"

namespace reprise {
namespace {

/// Weights of the model at another width; 0 where its heads do not divide that evenly.
int64_t elements_at_width(ModelOptions options, int64_t width) {
  if (width % (2 * options.heads) != 0) return 0;
  options.width = width;
  int64_t elements = 0;
  for (const ParameterShape& parameter : parameter_shapes(options)) {
    int64_t count = 1;
    for (const int64_t length : parameter.shape) count *= length;
    elements += count;
  }
  return elements;
}

UnpackedModel unpacked(const ModelFile& file, const Tokenizer& tokenizer,
                       const PackOptions& options) {
  UnpackedModel model;
  model.model = file.record()["config"]["model"];
  model.tokenizer = file.tokenizer();
  if (options.carry_tokenizer) model.tokenizer_model = tokenizer.model_bytes();
  for (const ArrayView& array : file.arrays())
    model.tensors.push_back({array.name, array.shape, float_values(array)});
  model.elements_at_width = [shape = file.options()](int64_t width) {
    return elements_at_width(shape, width);
  };
  return model;
}

Packed pack_and_tell(const UnpackedModel& model, const PackOptions& options) {
  return pack(model, options, [&](int64_t bytes) {
    log::info("built ", bytes, " bytes for a target of ", options.bytes);
  });
}

/// Beside the artifact: ledger, and how it came about. The artifact is last, so that where it is
/// the others are.
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
                         {"gate_threshold", artifact.gate.threshold},
                         {"gate_fraction", artifact.gate.fraction},
                         {"gate_calibrated_on", artifact.gate.calibrated_on}};
  write_file(options.out + ".ledger.json", ledger_json.dump(1) + "\n");
  write_file(options.out + ".pack.json", summary.dump(1) + "\n");
  write_artifact(options.out, artifact);
  std::cout << ledger.to_table();
  log::info("wrote ", options.out, ": ", file.size(), " bytes, ",
            options.bytes - ledger.counted_bytes(), " below the target");
}

}  // namespace

ExitCode run_pack(std::span<const std::string> words, Communicator& comm) {
  PackOptions options;
  OptionSet set("pack", "packs a trained model into an artifact of exactly so many bytes");
  set.add("pack", options);
  if (!set.parse(words)) return ExitCode::kOk;
  validate(options);
  require(!options.out.empty(), ExitCode::kUsage, "give --pack.out, the file to write");

  const ModelFile trained(options.model);
  const Corpus corpus(options.corpus);
  require(trained.tokenizer() == corpus.tokenizer().digest(), ExitCode::kBadInput, options.model,
          " was trained on tokens of another tokenizer than that of ", options.corpus);
  Packed packed;
  if (comm.rank() == 0)
    packed = pack_and_tell(unpacked(trained, corpus.tokenizer(), options), options);
  // From here on, every rank knows the weights only as they come back from the packed bytes.
  Artifact artifact = parse_artifact(broadcast_text(comm, packed.file), options.out);

  const bool refines = trained.options().family != Family::kStatic && options.refine_share > 0;
  if (refines) {
    EvalOptions windows;
    windows.threads = options.threads;
    artifact.gate = calibrate_entropy_gate(artifact, corpus, options.refine_share, comm, windows);
  }
  if (comm.rank() == 0)
    write_outputs(artifact,
                  {{"config", set.resolved()},
                   {"config_sha256", set.digest()},
                   {"trained", trained.record()},
                   {"packing", to_json(packed)}},
                  options);
  comm.barrier();  // the file is whole before any rank goes on
  return ExitCode::kOk;
}

}  // namespace reprise
