#include <gmock/gmock.h>
#include <hdf5_hl.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <numeric>

#include "base/file.h"
#include "base/hdf5/column.h"
#include "base/random.h"

namespace reprise::hdf5 {
namespace {
namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Hdf5Test : public testing::Test {
 protected:
  Hdf5Test() {
    std::string name = (fs::temp_directory_path() / "reprise-hdf5-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Hdf5Test() override { fs::remove_all(folder_); }
  fs::path path() const { return folder_ / "file.h5"; }
  fs::path folder_;
};

template <class Call>
std::string message_of(ExitCode code, Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

/// Values over the whole range of T, a different one in every place.
template <class T>
std::vector<T> sample(int64_t count) {
  const RandomStream stream(7, Purpose::kTest);
  std::vector<T> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    if constexpr (std::is_floating_point_v<T>)
      values[i] = static_cast<T>(stream.normal(i));
    else
      values[i] = static_cast<T>(stream.bits(i));
  }
  return values;
}

template <class T>
class NumberColumn : public Hdf5Test {};
using Numbers = testing::Types<uint8_t, uint16_t, uint32_t, uint64_t, int64_t, float, double>;
TYPED_TEST_SUITE(NumberColumn, Numbers);

TYPED_TEST(NumberColumn, ComesBackWholeAndByRanges) {
  const auto values = sample<TypeParam>(kChunkElements + 1000);
  const std::span<const TypeParam> all(values);
  {
    File file = File::create(this->path());
    auto column = Column<TypeParam>::create(file, "x", {.units = "1", .long_name = "a sample"});
    column.append(all.first(300));
    column.append(all.subspan(300, 0));
    column.append(all.subspan(300, kChunkElements));
    column.append(all.subspan(300 + kChunkElements));
    file.close();
  }
  const File file = File::open(this->path());
  const auto column = Column<TypeParam>::open(file, "x");
  EXPECT_EQ(column.size(), kChunkElements + 1000);
  EXPECT_EQ(column.read_all(), values);
  std::vector<TypeParam> part(200);
  column.read(kChunkElements - 100, part);
  EXPECT_TRUE(std::ranges::equal(part, all.subspan(kChunkElements - 100, 200)));
  EXPECT_EQ(column.get_string("units"), "1");
  EXPECT_EQ(column.get_string("long_name"), "a sample");
}

TEST_F(Hdf5Test, TextsKeepEveryByteOfUtf8) {
  const std::vector<std::string> texts{"", "word", "naïve", "日本語", "🙂"};
  File file = File::create(path());
  auto column =
      Column<std::string>::create(file, "t", {.units = "", .long_name = "texts", .width = 9});
  column.append(texts);
  EXPECT_EQ(column.read_all(), texts);
  const std::vector<std::string> wide{"ten bytes!"};
  EXPECT_THAT(message_of(ExitCode::kFailure, [&] { column.append(wide); }),
              HasSubstr("10 bytes in a column of 9"));
}

TEST_F(Hdf5Test, AttributesKeepTypeAndValue) {
  File file = File::create(path());
  file.set("text", "füll");
  file.set("empty", "");
  file.set("int", std::numeric_limits<int64_t>::min());
  file.set("double", 0.1);
  file.set("list", std::vector<std::string>{"web", "", "code"});
  Group group = file.create_group("inner");
  group.set("text", "of the group");
  file.close();

  const File back = File::open(path());
  EXPECT_EQ(back.get_string("text"), "füll");
  EXPECT_EQ(back.get_string("empty"), "");
  EXPECT_EQ(back.get_int("int"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(back.get_double("double"), 0.1);
  EXPECT_EQ(back.get_strings("list"), (std::vector<std::string>{"web", "", "code"}));
  EXPECT_EQ(back.open_group("inner").get_string("text"), "of the group");
  EXPECT_TRUE(back.has("int"));
  EXPECT_FALSE(back.has("absent"));
  EXPECT_THAT(message_of(ExitCode::kBadInput, [&] { back.get_int("text"); }),
              HasSubstr("of another type"));
  EXPECT_THAT(message_of(ExitCode::kBadInput, [&] { back.get_int("absent"); }),
              HasSubstr("no attribute absent"));
}

TEST_F(Hdf5Test, TheSameContentIsTheSameBytes) {
  const auto write = [&] {
    File file = File::create(path());
    file.set("schema", int64_t{1});
    auto scale = Column<uint32_t>::create(file, "row", {.units = "1", .long_name = "row"});
    auto column = Column<float>::create(file, "x", {.units = "nats", .long_name = "loss"});
    make_scale(scale);
    attach_scale(column, scale);
    column.append(sample<float>(5000));
    file.close();
    return read_file(path());
  };
  const std::string first = write();
  struct timespec second {
    1, 100'000'000
  };  // HDF5's time stamps count seconds
  nanosleep(&second, nullptr);
  EXPECT_TRUE(write() == first);
}

TEST_F(Hdf5Test, DimensionScalesAreWhatTheLibraryCallsScales) {
  File file = File::create(path());
  const Group group = file.create_group("tokens");
  auto scale = Column<uint32_t>::create(group, "token_index", {.units = "1", .long_name = "row"});
  auto column = Column<float>::create(group, "nll", {.units = "nats", .long_name = "loss"});
  make_scale(scale);
  attach_scale(column, scale);
  EXPECT_GT(H5DSis_scale(scale.id()), 0);
  EXPECT_GT(H5DSis_attached(column.id(), scale.id(), 0), 0);
  EXPECT_EQ(scale.get_string("NAME"), "token_index");
  EXPECT_EQ(column.place(), concat(path().string(), ":/tokens/nll"));
}

TEST_F(Hdf5Test, WrongReadsNameThePlace) {
  File file = File::create(path());
  auto column = Column<uint16_t>::create(file, "x", {.units = "1", .long_name = "x"});
  column.append(sample<uint16_t>(10));
  std::vector<uint16_t> out(4);
  EXPECT_THAT(message_of(ExitCode::kBadInput, [&] { column.read(7, out); }),
              HasSubstr("7 to 11 wanted of 10"));
  EXPECT_THAT(message_of(ExitCode::kBadInput, [&] { column.read(-1, out); }), HasSubstr("/x"));
  EXPECT_THAT(message_of(ExitCode::kBadInput, [&] { Column<float>::open(file, "x"); }),
              HasSubstr("another type"));
  EXPECT_THAT(message_of(ExitCode::kBadInput, [&] { Column<float>::open(file, "y"); }),
              HasSubstr("no column y"));
  EXPECT_THAT(message_of(ExitCode::kBadInput, [&] { file.open_group("g"); }),
              HasSubstr("no group g"));
}

TEST_F(Hdf5Test, FilesThatAreNotWholeAreRefusedInOneLine) {
  {
    File file = File::create(path());
    auto column = Column<uint64_t>::create(file, "x", {.units = "1", .long_name = "x"});
    column.append(sample<uint64_t>(5000));
    file.close();
  }
  const std::string whole = read_file(path());
  testing::internal::CaptureStderr();
  EXPECT_THAT(message_of(ExitCode::kBadInput, [&] { File::open(folder_ / "absent.h5"); }),
              HasSubstr("no such file"));
  for (const size_t size :
       {size_t{0}, size_t{10}, size_t{500}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(path(), std::ios::binary).write(whole.data(), static_cast<std::streamsize>(size));
    EXPECT_THAT(message_of(ExitCode::kBadInput, [&] { File::open(path()); }),
                AllOf(HasSubstr("file.h5"), Not(HasSubstr("\n"))))
        << size << " bytes";
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "the library printed";
}

TEST_F(Hdf5Test, AChecksumCatchesADamagedChunk) {
  {
    File file = File::create(path());
    auto column =
        Column<uint64_t>::create(file, "x", {.units = "1", .long_name = "x", .checksum = true});
    column.append(sample<uint64_t>(5000));
    file.close();
  }
  std::string bytes = read_file(path());
  bytes[bytes.size() - 20'000] ^=
      1;  // random numbers do not shrink: all but the head of the file is the chunk
  std::ofstream(path(), std::ios::binary) << bytes;
  const File file = File::open(path());
  const auto column = Column<uint64_t>::open(file, "x");
  EXPECT_THAT(message_of(ExitCode::kBadInput, [&] { column.read_all(); }),
              HasSubstr("cannot read"));
}

TEST_F(Hdf5Test, AFullDiskIsAnErrorOfOneLine) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  std::string message = message_of(ExitCode::kFailure, [&] {
    File file = File::create(path());
    auto column = Column<uint64_t>::create(file, "x", {.units = "1", .long_name = "x"});
    const rlimit small{100'000, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    column.append(sample<uint64_t>(3 * kChunkElements));
    file.close();
  });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message,
              AllOf(HasSubstr("File too large"), HasSubstr("file.h5"), Not(HasSubstr("\n"))));
}

}  // namespace
}  // namespace reprise::hdf5
