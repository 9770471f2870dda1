// reprise artifact show: an artifact -> what is in it, on the standard output. Reads only.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file.h"
#include "base/json_text.h"
#include "launch/action.h"
#include "launch/command.h"
#include "launch/pack_outputs.h"
#include "models/artifact/contents.h"

namespace reprise {
namespace {

using nlohmann::json;

struct ArtifactOptions {
  std::string file;
  bool json = false;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("file", file, "file", required("the artifact, which reprise pack wrote"));
    field("json", json, "", "print one JSON object, for scripts");
  }
};

/// What the summary beside the artifact adds, where there is one and it is of this very file.
PackingFacts facts_beside(const std::string& file, const std::string& sha256, int64_t bytes) {
  const std::string path = concat(file, kPackSummarySuffix);
  if (!std::filesystem::is_regular_file(path)) return {};
  const json summary = json::parse(read_file(path), nullptr, false);
  if (!summary.is_object() || text_at(summary.value("artifact", json()), "sha256") != sha256)
    return {};
  PackingFacts facts;
  try {
    const json& counted = summary.at("artifact").at("counted_bytes");
    require(counted.is_number_integer() && bytes <= counted && counted <= kMostArtifactBytes,
            ExitCode::kBadInput, path, ": counts ", counted.dump(), " bytes for a file of ", bytes);
    facts.code_bytes = counted.get<int64_t>() - bytes;
    for (const json& tensor : summary.at("packing").at("tensors"))
      facts.nominal_bits[tensor.at("name")] = tensor.at("nominal_bits");
  } catch (const json::exception& error) {
    fail(ExitCode::kBadInput, path, ": not the summary of an artifact: ", error.what());
  }
  return facts;
}

void show(const ArtifactOptions& options) {
  const Artifact artifact = load_artifact(options.file);
  const std::string file = serialise(artifact), digest = to_hex(sha256(file));
  const PackingFacts facts = facts_beside(options.file, digest, static_cast<int64_t>(file.size()));
  if (options.json) {
    json record = contents_json(artifact, facts);
    record["file"] = {{"path", options.file}, {"bytes", file.size()}, {"sha256", digest}};
    std::cout << record.dump(1) << '\n';
    return;
  }
  std::cout << "file       " << options.file << ", " << file.size() << " bytes\nSHA-256    "
            << digest << '\n'
            << contents_text(artifact, facts);
  if (facts.nominal_bits.empty())
    std::cout << "Nominal bits stand in the summary that reprise pack writes beside its artifact; "
                 "there is none of this file.\n";
}

}  // namespace

ExitCode run_artifact(std::span<const std::string> words, Communicator& comm) {
  ArtifactOptions options;
  OptionSet set("artifact",
                "show prints what is in an artifact: its header, where its bytes went by tensor "
                "and cause, its sections with their coders, bits a weight");
  set.add("artifact", options);
  std::vector<std::string> rest(words.begin(), words.end());
  if (std::ranges::count(rest, "--help") > 0)
    rest = {"--help"};
  else
    take_action(rest, {"show"});
  if (!set.parse(rest)) return ExitCode::kOk;
  require_agreement(comm, "the configuration", set.digest());
  require(!options.file.empty(), ExitCode::kUsage, "give --artifact.file, the file to show");
  if (comm.rank() == 0) show(options);
  return ExitCode::kOk;
}

}  // namespace reprise
