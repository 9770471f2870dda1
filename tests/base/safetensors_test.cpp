#include "base/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"

namespace reprise {
namespace {
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class SafetensorsTest : public testing::Test {
 protected:
  SafetensorsTest() {
    std::string name = (fs::temp_directory_path() / "reprise-safetensors-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = folder_ / "a.safetensors";
  }
  ~SafetensorsTest() override { fs::remove_all(folder_); }

  void write_two() {
    const std::vector<float> matrix{1, 2, 3, 4, 5, 6}, scale{7};
    const std::vector<ArrayView> arrays{ArrayView::of("z.matrix", {2, 3}, matrix),
                                        ArrayView::of("a.scale", {}, scale)};
    digest_ = write_safetensors(path_, arrays, {{"step", "12"}});
  }
  std::string error_of(const std::string& bytes) const {
    write_file(folder_ / "broken", bytes);
    try {
      const SafetensorsFile file(folder_ / "broken");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kBadInput);
      return error.what();
    }
    return "";
  }
  /// A file with this header and so many bytes of data behind it.
  static std::string with_header(const std::string& header, size_t data_bytes) {
    const uint64_t length = header.size();
    return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header +
           std::string(data_bytes, '\0');
  }

  fs::path folder_, path_;
  Sha256 digest_{};
};

TEST_F(SafetensorsTest, GivesBackWhatWasWrittenInThatOrder) {
  write_two();
  const SafetensorsFile file(path_);
  ASSERT_EQ(file.arrays().size(), 2u);
  EXPECT_EQ(file.arrays()[0].name, "z.matrix");
  EXPECT_THAT(file["z.matrix"].shape, ElementsAre(2, 3));
  EXPECT_THAT(float_values(file["z.matrix"]), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(file["a.scale"].shape, ElementsAre());
  EXPECT_THAT(float_values(file["a.scale"]), ElementsAre(7));
  EXPECT_EQ(file.metadata().at("step"), "12");
  EXPECT_THROW(file["b"], Error);
}

TEST_F(SafetensorsTest, ReturnsTheDigestOfTheFile) {
  write_two();
  EXPECT_EQ(to_hex(digest_), to_hex(sha256_file(path_)));
}

TEST_F(SafetensorsTest, TheBytesAreTheLayoutOfTheHeader) {
  const std::vector<float> one{1.0F};
  write_safetensors(path_, std::vector<ArrayView>{ArrayView::of("w", {1}, one)});
  std::string header = R"({"w":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string expected = with_header(header, 4);
  std::memcpy(expected.data() + expected.size() - 4, one.data(), 4);
  EXPECT_EQ(read_file(path_), expected);
}

TEST_F(SafetensorsTest, KeepsEmptyArraysBetweenOthers) {
  const std::vector<float> values{1, 2};
  const std::span<const float> all(values);
  const std::vector<ArrayView> arrays{ArrayView::of("a", {1}, all.first(1)),
                                      ArrayView::of("b", {0, 3}, {}),
                                      ArrayView::of("c", {1}, all.last(1))};
  write_safetensors(path_, arrays);
  EXPECT_THAT(float_values(SafetensorsFile(path_)["c"]), ElementsAre(2));
  EXPECT_TRUE(SafetensorsFile(path_)["b"].bytes.empty());
}

TEST_F(SafetensorsTest, EveryTruncationIsAnError) {
  write_two();
  const std::string whole = read_file(path_);
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(error_of(whole.substr(0, length)), "") << length << " bytes";
  EXPECT_THAT(error_of(whole + "x"), HasSubstr("behind the last array"));
}

TEST_F(SafetensorsTest, HeadersThatContradictTheDataAreErrors) {
  EXPECT_THAT(error_of(with_header("[1]", 0)), HasSubstr("header"));
  EXPECT_THAT(error_of(with_header("{\"w\":{}}", 0)), HasSubstr("header"));
  EXPECT_THAT(error_of(with_header(R"({"w":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", 4)),
              HasSubstr("unknown dtype F33"));
  EXPECT_THAT(error_of(with_header(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4)),
              HasSubstr("does not follow from its shape"));
  EXPECT_THAT(
      error_of(with_header(
          R"({"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0)),
      HasSubstr("does not follow from its shape"));
  EXPECT_THAT(error_of(with_header(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8)),
              HasSubstr("a gap"));
}

}  // namespace
}  // namespace reprise
