#include "models/artifact/artifact.h"

#include <algorithm>

#include "base/digest.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/utf8.h"
#include "models/artifact/container.h"
#include "models/artifact/header.h"
#include "models/artifact/quantisers/quantiser.h"
#include "models/artifact/section.h"

namespace reprise {
namespace {

/// Bytes before coding, or elements, that a file may claim for each of its own bytes. Weights code
/// to bits, not to hundredths of one: what claims more is not a model.
constexpr int64_t kMaxExpansion = 64;

/// A directory of more is none: sixty thousand tensors, as many as there may be sections, are
/// listed in half. Parsed, JSON takes ten times its text, whatever the file's length.
constexpr int64_t kMaxDirectoryBytes = 1 << 23;

/// What is wrong with a file may quote it, line breaks and all, at any length.
std::string in_one_line(std::string_view words) {
  constexpr size_t kMostBytes = 200;
  std::string line(cut_utf8(words, kMostBytes));
  for (char& letter : line)
    if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f') letter = ' ';
  return line.size() < words.size() ? line + " ..." : line;
}

std::vector<HostTensor> decode_tensors(const Directory& directory,
                                       std::span<const SectionPlan> plans,
                                       std::span<const std::string> decoded) {
  std::vector<std::vector<std::string_view>> streams(directory.size());
  for (size_t i = 0; i < plans.size(); ++i) {
    std::string_view left = decoded[i];
    for (const SectionPart& part : plans[i].parts) {
      auto& of_tensor = streams[part.tensor];
      of_tensor.resize(std::max(of_tensor.size(), part.stream + 1));
      of_tensor[part.stream] = left.substr(0, static_cast<size_t>(part.bytes));
      left.remove_prefix(static_cast<size_t>(part.bytes));
    }
  }
  std::vector<HostTensor> tensors(directory.size());
  parallel_for(directory.size(), [&](size_t i) {
    tensors[i] = {directory[i].name, directory[i].shape, dequantise(directory[i], streams[i])};
    require(std::ranges::all_of(tensors[i].values, [](float x) { return std::isfinite(x); }),
            ExitCode::kBadInput, "tensor ", tensors[i].name, " holds a number that is not finite");
  });
  return tensors;
}

/// Directory first, since the other sections' lengths follow from it.
void decode_sections(Artifact& artifact, int64_t tokenizer_bytes, int64_t max_bytes) {
  require(artifact.directory_bytes <= max_bytes && tokenizer_bytes <= max_bytes,
          ExitCode::kBadInput, "a section larger than the file allows");
  require(artifact.directory_bytes <= kMaxDirectoryBytes, ExitCode::kBadInput,
          "a directory of more than ", kMaxDirectoryBytes, " bytes");
  require(!artifact.sections.empty(), ExitCode::kBadInput, "no sections");
  require(artifact.digest == sections_digest(artifact.sections), ExitCode::kBadInput,
          "the sections are not those the header names");
  const SectionPlan first{.cause = Cause::kDirectory, .bytes = artifact.directory_bytes};
  artifact.directory = read_directory(decode_section(first, artifact.sections[0]), max_bytes);
  const std::vector<SectionPlan> plans =
      plan_sections(artifact.directory, artifact.directory_bytes, tokenizer_bytes);
  require(plans.size() == artifact.sections.size(), ExitCode::kBadInput, artifact.sections.size(),
          " sections instead of ", plans.size());
  std::vector<std::string> decoded(plans.size());
  parallel_for(plans.size(),
               [&](size_t i) { decoded[i] = decode_section(plans[i], artifact.sections[i]); });
  artifact.tensors = decode_tensors(artifact.directory, plans, decoded);
  if (tokenizer_bytes > 0) artifact.tokenizer_model = std::move(decoded.back());
}

}  // namespace

Artifact parse_artifact(std::string_view bytes, std::string_view name) {
  Container container = read_container(bytes, name);
  Artifact artifact;
  try {
    const int64_t tokenizer_bytes = read_header(container.header, artifact);
    artifact.sections = std::move(container.sections);
    decode_sections(artifact, tokenizer_bytes, kMaxExpansion * static_cast<int64_t>(bytes.size()));
  } catch (const nlohmann::json::exception& error) {
    fail(ExitCode::kBadInput, name, ": not an artifact's header: ", in_one_line(error.what()));
  } catch (const Error& error) {
    fail(ExitCode::kBadInput, name, ": malformed artifact: ", in_one_line(error.what()));
  }
  return artifact;
}

Artifact load_artifact(const std::filesystem::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return parse_artifact({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

std::string sections_digest(const std::vector<std::string>& sections) {
  Sha256Stream stream;
  for (const std::string& section : sections) stream.update(section);
  return to_hex(stream.finish());
}

std::string serialise(const Artifact& artifact) {
  return write_container(write_header(artifact), artifact.sections);
}

void write_artifact(const std::filesystem::path& path, const Artifact& artifact) {
  write_file(path, serialise(artifact));
}

}  // namespace reprise
