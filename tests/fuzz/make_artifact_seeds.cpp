// Writes the fuzzer's seeds into a folder, in place of those that are there: artifacts of every
// scheme and coder, and damaged ones whose checksums hold. scripts/fuzz --seeds runs it for
// tests/fuzz/seeds; run it after a scheme, a coder or the format has changed.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/random.h"
#include "models/artifact/directory.h"
#include "models/artifact/frame.h"
#include "models/artifact/section.h"
#include "tests/artifact/test_models.h"
#include "tests/fuzz/check_artifact.h"
#include "tests/fuzz/mutate_artifact.h"

namespace reprise {
namespace {
namespace fs = std::filesystem;

/// What the packer writes of a small model.
Artifact packed(const std::string& tokenizer_model = "") {
  UnpackedModel model = random_model(16, 1, 9);
  model.tokenizer_model = tokenizer_model;
  PackOptions options = uncalibrated();
  options.bytes = 2'400 + static_cast<int64_t>(tokenizer_model.size());
  options.quantiser.half_elements = 64;
  return parse_artifact(pack(model, options).file, "packed");
}

/// Bytes of few values, so that coders have something to do; of columns kept apart the first two.
std::string contents_of(const SectionPlan& plan, uint64_t seed) {
  if (plan.cause == Cause::kOutliers) {
    std::string columns(static_cast<size_t>(plan.bytes), '\0');
    columns[2] = 1;
    return columns;
  }
  const RandomStream stream(seed, Purpose::kTest);
  std::string bytes;
  for (int64_t i = 0; i < plan.bytes; ++i)
    bytes += static_cast<char>(stream.below(static_cast<uint64_t>(i), 8));
  return bytes;
}

/// The least a tensor of this scheme says beside it.
Form plain_form(Scheme scheme) {
  Form form{scheme};
  if (scheme == Scheme::kCodebook || scheme == Scheme::kAdditive) form.entries = 16;
  if (scheme == Scheme::kAdditive) form.vector = 4;
  return form;
}

/// A matrix of `form` and a vector, filled with whatever their streams hold, coded by `coder`.
Artifact of_form(const Form& form, Coder coder) {
  const Directory directory{{"layer.0.up", form, {6, 20}}, {"layer.0.gain", {Scheme::kHalf}, {32}}};
  Artifact artifact =
      make_frame({{"family", "recurrent"}, {"width", 16}}, std::string(64, 'a'), "", directory);
  const std::vector<SectionPlan> plans = plan_sections(directory, artifact.directory_bytes, 0);
  for (size_t i = 0; i < plans.size(); ++i)
    if (!plans[i].parts.empty())
      artifact.sections[i] = encode_section(plans[i], contents_of(plans[i], i), coder);
  artifact.digest = sections_digest(artifact.sections);
  return artifact;
}

Artifact of_scheme(Scheme scheme, Coder coder) { return of_form(plain_form(scheme), coder); }

/// `artifact` with every section, the directory's too, in one coder's form.
Artifact recoded(Artifact artifact, Coder coder) {
  const std::vector<SectionPlan> plans =
      plan_sections(artifact.directory, artifact.directory_bytes,
                    static_cast<int64_t>(artifact.tokenizer_model.size()));
  for (size_t i = 0; i < plans.size(); ++i)
    artifact.sections[i] =
        encode_section(plans[i], decode_section(plans[i], artifact.sections[i]), coder);
  artifact.digest = sections_digest(artifact.sections);
  return artifact;
}

class Seeds {
 public:
  explicit Seeds(fs::path folder) : folder_(std::move(folder)) {
    fs::remove_all(folder_);
    make_folder(folder_);
  }

  void add(const std::string& name, const std::string& file) {
    const bool loads = loads_soundly(file);
    write_file(folder_ / concat(loads ? "loads-" : "refused-", name), file);
    bytes_ += file.size();
    ++files_;
  }

  /// One that a change of the container spoils, checksums and digest mended.
  void add_changed(const std::string& name, const std::function<void(Container&)>& change) {
    Container container = split_artifact(serialise(base_));
    change(container);
    add(name, join_artifact(std::move(container)));
  }
  void add_header(const std::string& name, const std::function<void(nlohmann::json&)>& change) {
    add_changed(name, [&](Container& container) {
      nlohmann::json header = nlohmann::json::parse(container.header);
      change(header);
      container.header = header.dump();
    });
  }
  void add_directory(const std::string& name, const std::string& text) {
    add_changed(name, [&](Container& container) { put_directory(container, text); });
  }

  size_t bytes() const { return bytes_; }
  size_t files() const { return files_; }

 private:
  fs::path folder_;
  Artifact base_ = of_scheme(Scheme::kRows, Coder::kStored);
  size_t bytes_ = 0, files_ = 0;
};

void add_sound(Seeds& seeds) {
  for (const auto& [scheme, scheme_name] : EnumNames<Scheme>::names)
    for (const auto& [coder, coder_name] : EnumNames<Coder>::names)
      seeds.add(concat("scheme-", scheme_name, "-", coder_name),
                serialise(of_scheme(scheme, coder)));
  for (const Scheme scheme : {Scheme::kRows, Scheme::kTernary, Scheme::kBinary}) {
    Form form = plain_form(scheme);
    form.outliers = 2, form.rank = 3, form.rotated = 1;
    seeds.add(concat("additions-", enum_name(scheme)), serialise(of_form(form, Coder::kStored)));
  }
  for (const auto& [coder, name] : EnumNames<Coder>::names)
    seeds.add(concat("packed-", name), serialise(recoded(packed(), coder)));
  seeds.add("tokenizer", serialise(packed("as if it were a SentencePiece model")));
  Artifact gated = of_scheme(Scheme::kHalf, Coder::kStored);
  gated.gate = {"entropy", 3.125, 0.1, std::string(64, 'c')};
  seeds.add("gate", serialise(gated));
}

void add_damaged(Seeds& seeds) {
  const std::string file = serialise(of_scheme(Scheme::kRows, Coder::kZstd));
  seeds.add("empty", "");
  seeds.add("magic", file.substr(0, 8));
  seeds.add("cut", file.substr(0, file.size() / 2));
  std::string other = file;
  other[8] = 2;
  seeds.add("version", other);
  other = file;
  other.back() = static_cast<char>(other.back() ^ 1);
  seeds.add("checksum", other);
  seeds.add_changed("no-sections", [](Container& all) { all.sections.clear(); });
  seeds.add_changed("section-too-many", [](Container& all) { all.sections.emplace_back("x"); });
  seeds.add_changed("coder", [](Container& all) { all.sections[1][0] = 99; });
  seeds.add_changed("short-section", [](Container& all) { all.sections[1].pop_back(); });
  seeds.add_changed("deep-header", [](Container& all) { all.header = std::string(400, '['); });
  seeds.add_header("huge-directory", [](auto& h) { h["directory_bytes"] = uint64_t{1} << 63; });
  seeds.add_header("huge-tokenizer", [](auto& h) { h["tokenizer_bytes"] = int64_t{1} << 62; });
  seeds.add_header("gate-number", [](auto& h) { h["gate"]["threshold"] = "+inf"; });
  seeds.add_header("line-break", [](auto& h) { h["gate"]["calibrated_on"] = "a\nb"; });
  seeds.add_directory("huge-tensor", R"([["a","rows",[4611686018427387904,4]]])");
  seeds.add_directory("no-tensors", "[]");
  seeds.add_directory("empty-tensor", R"([["a","rows",[0,4]]])");
  seeds.add_directory("twice", R"([["a","half",[4]],["a","half",[4]]])");
  seeds.add_directory("scheme", R"([["a","ro\nws",[4]]])");
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_artifact_seeds FOLDER, whose contents are replaced\n";
    return 2;
  }
  reprise::Seeds seeds(argv[1]);
  reprise::add_sound(seeds);
  reprise::add_damaged(seeds);
  std::cout << seeds.files() << " seeds, " << seeds.bytes() << " bytes\n";
  return 0;
}
