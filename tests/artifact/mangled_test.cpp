// Files nobody packed: whatever their bytes, one line of error and never a crash. The sanitizer
// preset runs this too.
#include <gmock/gmock.h>

#include "base/error.h"
#include "base/random.h"
#include "models/artifact/artifact.h"
#include "models/artifact/container.h"
#include "models/artifact/directory.h"
#include "models/artifact/frame.h"
#include "models/artifact/header.h"
#include "models/artifact/quantisers/quantiser.h"
#include "models/artifact/section.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

/// The error's line; empty where the bytes parse.
std::string error_of(std::string_view bytes) {
  try {
    parse_artifact(bytes, "mangled");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    const std::string line = error.what();
    EXPECT_THAT(line, testing::StartsWith("mangled: "));
    EXPECT_EQ(line.find('\n'), std::string::npos);
    return line;
  }
  return "";
}

TEST(Mangled, EveryTruncationIsAnError) {
  for (size_t size = 0; size < small_file().size(); ++size)
    EXPECT_NE(error_of(std::string_view(small_file()).substr(0, size)), "") << size;
  EXPECT_THAT(error_of(small_file() + "x"), testing::HasSubstr("behind the last section"));
}

TEST(Mangled, EveryFlippedBitIsAnError) {
  std::string file = small_file();
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    const auto flip = [&] { file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8); };
    flip();
    EXPECT_NE(error_of(file), "") << "bit " << bit;
    flip();
  }
}

TEST(Mangled, RandomBytesAreErrors) {
  const RandomStream stream(2, Purpose::kTest);
  for (uint64_t i = 0; i < 1'000; ++i) {
    std::string file = small_file().substr(0, i % 2 == 0 ? 8 : 12);
    for (uint64_t byte = 0; byte < i; ++byte)
      file += static_cast<char>(stream.bits(1'000 * i + byte));
    EXPECT_NE(error_of(file), "") << i;
  }
}

/// A file whose checksums hold, from a container that does not.
std::string rebuilt(const std::function<void(Container&)>& change) {
  Container container = read_container(small_file(), "small");
  change(container);
  return write_container(container.header, container.sections);
}

/// A file whose checksums, header and digest hold, with other sections.
std::string resigned(const std::function<void(Artifact&)>& change) {
  Artifact artifact = parse_artifact(small_file(), "small");
  change(artifact);
  artifact.digest = sections_digest(artifact.sections);
  return serialise(artifact);
}

std::string with_number(std::string file, size_t offset, uint64_t value, size_t bytes = 8) {
  for (size_t i = 0; i < bytes; ++i) file.at(offset + i) = static_cast<char>(value >> 8 * i);
  return file;
}

/// CRC-32 by its definition, bit by bit: x^32 + x^26 + ... + 1 reflected.
uint32_t checksum(std::string_view bytes) {
  uint32_t rest = ~uint32_t{0};
  for (const char byte : bytes) {
    rest ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320u : 0u);
  }
  return ~rest;
}

/// `length` in the table for the first section, all checksums mended.
std::string with_first_length(uint64_t length) {
  const Container container = read_container(small_file(), "small");
  const size_t table = kPreambleBytes + container.header.size();
  const size_t front = table + container.sections.size() * kTableEntryBytes;
  std::string file = with_number(small_file(), table, length);
  file = with_number(std::move(file), table + 8, checksum(file.substr(front, length)), 4);
  return with_number(std::move(file), 20,
                     checksum(file.substr(0, 20) + file.substr(24, front - 24)), 4);
}

/// A container says where sections lie by their lengths alone: they lie end to end, and where the
/// sum is not the file's, it is refused.
TEST(Mangled, LengthsThatDoNotFillTheFileAreErrors) {
  const uint64_t length = read_container(small_file(), "small").sections[0].size();
  EXPECT_EQ(with_first_length(length), small_file()) << "CRC-32 is another";
  EXPECT_THAT(error_of(with_first_length(length - 1)), testing::HasSubstr("section 1"));
  EXPECT_THAT(error_of(with_first_length(length + 1)), testing::HasSubstr("section 1"));
  for (const uint64_t bytes : {uint64_t{1'000'000}, uint64_t{1} << 63, ~uint64_t{0}})
    EXPECT_THAT(error_of(with_first_length(bytes)),
                testing::HasSubstr(concat("section 0 claims ", bytes, " bytes of ")));
}

TEST(Mangled, RefusalsAreOneShortLine) {
  const auto header = [](const nlohmann::json& gate) {
    return error_of(rebuilt([&](Container& container) {
      nlohmann::json all = nlohmann::json::parse(container.header);
      all["gate"] = gate;
      container.header = all.dump();
    }));
  };
  const nlohmann::json right =
      nlohmann::json::parse(read_container(small_file(), "small").header)["gate"];
  for (const char* field : {"calibrated_on", "threshold", "signal"}) {
    nlohmann::json gate = right;
    gate[field] = "line\nbreak\x7f" + std::string(10'000, 'x');
    const std::string line = header(gate);
    EXPECT_EQ(line.empty(), field == std::string("signal"));
    EXPECT_LT(line.size(), 400u);
    EXPECT_EQ(line.find_first_of("\n\x7f"), line.npos);
  }
}

TEST(Mangled, SectionsThatClaimTooMuchAreErrors) {
  const size_t table = kPreambleBytes + read_container(small_file(), "small").header.size();
  const uint64_t huge = uint64_t{1} << 63;
  EXPECT_NE(error_of(with_number(small_file(), table, huge)), "");
  // Lengths that would make a section lie over its neighbour, as their sum wraps around.
  std::string overlapping = with_number(small_file(), table, huge);
  overlapping = with_number(overlapping, table + kTableEntryBytes, huge);
  EXPECT_NE(error_of(overlapping), "");
  EXPECT_NE(error_of(with_number(small_file(), 12, ~uint64_t{0})), "");
}

TEST(Mangled, AnotherVersionIsNamed) {
  std::string file = small_file();
  file[8] = 2;
  EXPECT_THAT(error_of(file), testing::HasSubstr("version 2, this program reads version 1"));
}

TEST(Mangled, HeadersWithRightChecksumsAreStillChecked) {
  const auto header = [](const std::string& text) {
    return error_of(rebuilt([&](Container& container) { container.header = text; }));
  };
  EXPECT_NE(header(""), "");
  EXPECT_NE(header("{}"), "");
  EXPECT_NE(header("[1,2,3,4,5,6]"), "");
  EXPECT_NE(header(std::string(60'000, '[')), "");
  EXPECT_NE(header(std::string(30'000, '[') + std::string(30'000, ']')), "");
  const nlohmann::json right = nlohmann::json::parse(read_container(small_file(), "small").header);
  EXPECT_NE(header(right.dump(1)), "");
  for (const auto& [key, value] : right.items()) {
    nlohmann::json wrong = right;
    wrong[key] = 3;
    const bool any_value_will_do = key == "model";
    EXPECT_EQ(header(wrong.dump()).empty(), any_value_will_do) << key;
    wrong.erase(key);
    EXPECT_NE(header(wrong.dump()), "") << key;
  }
  for (const int64_t length : {int64_t{-1}, int64_t{1} << 62, int64_t{5}}) {
    nlohmann::json wrong = right;
    wrong["directory_bytes"] = length;
    EXPECT_NE(header(wrong.dump()), "") << length;
    wrong = right;
    wrong["tokenizer_bytes"] = length;
    EXPECT_NE(header(wrong.dump()), "") << length;
  }
}

TEST(Mangled, DirectoriesWithRightChecksumsAreStillChecked) {
  const auto directory = [](const std::string& text) {
    return error_of(resigned([&](Artifact& artifact) {
      const SectionPlan plan{.cause = Cause::kDirectory,
                             .bytes = static_cast<int64_t>(text.size())};
      artifact.sections[0] = encode_section(plan, text);
      artifact.directory_bytes = plan.bytes;
    }));
  };
  const std::string right = write_directory(parse_artifact(small_file(), "small").directory);
  EXPECT_EQ(directory(right), "");
  for (const char* wrong : {"[]",
                            "{}",
                            "[[]]",
                            "7",
                            R"([["a","rows",[4611686018427387904,4]]])",
                            R"([["a","rows",[-1]]])",
                            R"([["a","rows",[0]]])",
                            R"([["a","rows",[1.5]]])",
                            R"([["a","lattice",[4]]])",
                            R"([["a","codebook",[4]]])",
                            R"([["a","codebook",[4],{"entries":5}]])",
                            R"([["a","codebook",[4],{"entries":4,"vector":2}]])",
                            R"([["a","codebook",[4],{"entries":4611686018427387904}]])",
                            R"([["a","additive",[4],{"entries":2}]])",
                            R"([["a","additive",[4],{"entries":2,"vector":3}]])",
                            R"([["a","ternary",[4],{"entries":2}]])",
                            R"([["a","half",[4]],["a","half",[4]]])",
                            R"([["a","half",[1,1,1,1,1,1,1,1,1]]])",
                            R"([[3,"half",[4]]])",
                            R"([["a","half",[18446744073709551615]]])",
                            R"([["a","half",[100000,100000]]])",
                            R"([["a","rows",[4,4],{"rank":5}]])",
                            R"([["a","rows",[4,4],{"outliers":4}]])",
                            R"([["a","rows",[4,4],{"rotated":2}]])",
                            R"([["a","rows",[4,3],{"rotated":1}]])",
                            R"([["a","rows",[4,4],{"rank":4611686018427387904}]])",
                            R"([["a","single",[4,4],{"rank":1}]])",
                            R"([["a","rows",[300,300],{"rank":257}]])",
                            R"([["a\u001b[2J","half",[4]]])",
                            R"([["","half",[4]]])",
                            R"([["a","binary",[4,4],{"rank":-1}]])"})
    EXPECT_NE(directory(wrong), "") << wrong;
}

/// A scale or a value that is infinite or no number would make every prediction of the model so.
TEST(Mangled, WeightsThatAreNotFiniteAreErrors) {
  for (const char* scheme : {"half", "rows", "single"})
    for (const char high :
         {'\x7c', '\x7e', '\xfc'}) {  // infinite, no number, -infinite in binary16
      const Directory directory{{"up", {parse_enum<Scheme>(scheme)}, {2, 4}}};
      Artifact artifact = make_frame(nlohmann::json::object(), std::string(64, 'a'), "", directory);
      const auto plans = plan_sections(directory, artifact.directory_bytes, 0);
      for (size_t i = 0; i < plans.size(); ++i) {
        std::string bytes(static_cast<size_t>(plans[i].bytes), '\1');
        if (plans[i].cause == Cause::kScales || plans[i].cause == Cause::kValues) {
          bytes[plans[i].element_bytes - 1] = scheme == std::string("single") ? '\x7f' : high;
          if (scheme == std::string("single")) bytes[2] = '\x80';
        }
        if (!plans[i].parts.empty()) artifact.sections[i] = encode_section(plans[i], bytes);
      }
      artifact.digest = sections_digest(artifact.sections);
      EXPECT_THAT(error_of(serialise(artifact)),
                  testing::HasSubstr("tensor up holds a number that is not finite"))
          << scheme;
    }
}

/// Parsed, JSON takes many times its text: a directory's length has a limit whatever the file's.
TEST(Mangled, ADirectoryOfMoreThanAnyModelHasIsAnError) {
  const std::string text = "[" + std::string(9'000'000, '[');
  EXPECT_THAT(error_of(resigned([&](Artifact& artifact) {
                artifact.directory_bytes = static_cast<int64_t>(text.size());
                artifact.sections[0] =
                    encode_section({.cause = Cause::kDirectory, .bytes = artifact.directory_bytes},
                                   text, Coder::kStored);
              })),
              testing::HasSubstr("a directory of more than"));
}

/// Models of the other schemes, whose codes say what they may not.
TEST(Mangled, CodesWithRightChecksumsAreStillChecked) {
  for (const char* scheme : {"ternary", "codebook", "additive"}) {
    HostTensor tensor{"up", {24, 32}, random_values(24 * 32, 0.05, 4)};
    const auto quantiser = make_quantiser({tensor, relative_importance(tensor)},
                                          {.schemes = {scheme}, .half_elements = 0});
    const QuantisedTensor quantised = quantiser->quantise(1);
    const Directory directory{{tensor.name, quantised.form, tensor.shape}};
    const auto file_with = [&](const std::vector<std::string>& streams) {
      Artifact artifact = make_frame(nlohmann::json::object(), std::string(64, 'a'), "", directory);
      const auto plans = plan_sections(directory, artifact.directory_bytes, 0);
      for (size_t i = 0; i < plans.size(); ++i)
        if (!plans[i].parts.empty())
          artifact.sections[i] = encode_section(plans[i], streams[plans[i].parts[0].stream]);
      artifact.digest = sections_digest(artifact.sections);
      return serialise(artifact);
    };
    ASSERT_EQ(error_of(file_with(quantised.streams)), "") << scheme;
    const std::vector<StreamLayout> layouts = directory[0].streams();
    for (size_t stream = 0; stream < layouts.size(); ++stream)
      for (size_t at = 0; at < quantised.streams[stream].size(); at += 7) {
        std::vector<std::string> streams = quantised.streams;
        streams[stream][at] = static_cast<char>(246);
        EXPECT_EQ(error_of(file_with(streams)).empty(), layouts[stream].cause != Cause::kCodes)
            << scheme << " stream " << stream << " at " << at;
      }
  }
}

TEST(Mangled, SectionsWithRightChecksumsAreStillChecked) {
  EXPECT_NE(error_of(resigned([](Artifact& artifact) { artifact.sections.pop_back(); })), "");
  EXPECT_NE(error_of(resigned([](Artifact& artifact) { artifact.sections.clear(); })), "");
  EXPECT_NE(error_of(resigned([](Artifact& artifact) { artifact.sections[1].clear(); })), "");
  EXPECT_NE(error_of(resigned([](Artifact& artifact) { artifact.sections[2][0] = 9; })), "");
  EXPECT_NE(error_of(resigned(
                [](Artifact& artifact) { std::swap(artifact.sections[3], artifact.sections[4]); })),
            "");
  EXPECT_NE(error_of(rebuilt([](Container& container) { container.sections[2] += 'x'; })), "");
}

}  // namespace
}  // namespace reprise
