#include "models/artifact/contents.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "models/artifact/header.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

Packed packed(const std::string& tokenizer_model = "") {
  UnpackedModel model = random_model(32, 1, 9);
  model.tokenizer_model = tokenizer_model;
  PackOptions options = uncalibrated();
  options.bytes = 6'000;
  return pack(model, options);
}

TEST(Contents, SectionsAreThoseOfTheFileInItsOrder) {
  const Artifact artifact =
      parse_artifact(packed("a tokenizer, " + std::string(90, 'x')).file, "packed");
  const std::vector<SectionContents> sections = sections_of(artifact);
  ASSERT_EQ(sections.size(), artifact.sections.size());
  EXPECT_EQ(sections.front().cause, Cause::kDirectory);
  EXPECT_EQ(sections.front().decoded_bytes, artifact.directory_bytes);
  EXPECT_EQ(sections.back().cause, Cause::kTokenizer);
  EXPECT_EQ(sections.back().decoded_bytes, 103);
  for (size_t i = 0; i < sections.size(); ++i) {
    EXPECT_EQ(sections[i].coded_bytes, static_cast<int64_t>(artifact.sections[i].size()));
    EXPECT_EQ(static_cast<char>(sections[i].coder), artifact.sections[i][0]);
  }
  // embedding, up and down have codes of their own; the small ones share.
  EXPECT_THAT(sections[1].tensors, testing::ElementsAre("layer.0.gain", "layer.0.mix"));
  EXPECT_THAT(sections[3].tensors, testing::ElementsAre("embedding"));
  EXPECT_EQ(sections[3].decoded_bytes, 4 * 32 * 32);
}

TEST(Contents, BitsAWeightAreWhatTheSectionsTake) {
  const Artifact artifact = parse_artifact(packed().file, "packed");
  double coded = 0, decoded = 0, sections_coded = 0, sections_decoded = 0;
  for (const TensorContents& contents : tensors_of(artifact)) {
    const auto weights = static_cast<double>(contents.tensor.elements());
    coded += contents.coded_bits * weights / 8;
    decoded += contents.decoded_bits * weights / 8;
    const bool rows = contents.tensor.form.scheme == Scheme::kRows;
    const double by_hand = rows ? 8 + 16.0 / static_cast<double>(contents.tensor.columns()) : 16;
    EXPECT_DOUBLE_EQ(contents.decoded_bits, by_hand) << contents.tensor.name;
  }
  for (const SectionContents& section : sections_of(artifact)) {
    if (section.tensors.empty()) continue;
    sections_coded += static_cast<double>(section.coded_bytes);
    sections_decoded += static_cast<double>(section.decoded_bytes);
  }
  EXPECT_NEAR(coded, sections_coded, 1e-6);
  EXPECT_NEAR(decoded, sections_decoded, 1e-6);
}

TEST(Contents, TextAndJsonSayTheSame) {
  const Packed result = packed();
  Artifact artifact = parse_artifact(result.file, "packed");
  artifact.gate = {"entropy", 3.125, 0.25, std::string(64, 'c')};
  PackingFacts facts{{}, 700};
  for (const TensorSummary& tensor : result.tensors)
    facts.nominal_bits[tensor.name] = tensor.nominal_bits;
  const std::string text = contents_text(artifact, facts);
  const nlohmann::json record = contents_json(artifact, facts);
  EXPECT_EQ(record["header"]["gate"]["threshold"], 3.125);
  EXPECT_THAT(text, HasSubstr("refines where entropy > 3.125, 0.25 of the tokens of cccc"));
  EXPECT_EQ(record["header"]["model"], artifact.model);
  EXPECT_THAT(text, HasSubstr("family=recurrent width=32"));
  EXPECT_EQ(record["ledger"]["counted_bytes"], result.file.size() + 700);
  EXPECT_THAT(text, ContainsRegex(concat("counted +", result.file.size() + 700)));
  EXPECT_EQ(record["ledger"]["causes"]["gate"], gate_bytes(artifact));
  ASSERT_EQ(record["tensors"].size(), result.tensors.size());
  for (size_t i = 0; i < result.tensors.size(); ++i) {
    const nlohmann::json& tensor = record["tensors"][i];
    EXPECT_EQ(tensor["name"], result.tensors[i].name);
    EXPECT_EQ(tensor["nominal_bits"], result.tensors[i].nominal_bits);
    EXPECT_THAT(text, HasSubstr(fixed(tensor["coded_bits"].get<double>(), 2)));
  }
  ASSERT_EQ(record["sections"].size(), artifact.sections.size());
  for (const nlohmann::json& section : record["sections"])
    EXPECT_THAT(text,
                ContainsRegex(concat(section["cause"].get<std::string>(), " +",
                                     section["coder"].get<std::string>(), " +",
                                     section["decoded_bytes"], " +", section["coded_bytes"])));
}

TEST(Contents, SayWhatIsNotThere) {
  const Artifact artifact = parse_artifact(packed().file, "packed");
  const std::string text = contents_text(artifact, {});
  EXPECT_THAT(text, HasSubstr("gate       none set"));
  EXPECT_THAT(text, HasSubstr("not carried"));
  EXPECT_THAT(text, ContainsRegex("embedding +rows +- "));
  const nlohmann::json record = contents_json(artifact, {});
  EXPECT_TRUE(record["header"]["gate"].is_null());
  for (const nlohmann::json& tensor : record["tensors"])
    EXPECT_TRUE(tensor["nominal_bits"].is_null());
}

}  // namespace
}  // namespace reprise
