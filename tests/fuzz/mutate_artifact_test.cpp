#include "tests/fuzz/mutate_artifact.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/random.h"
#include "models/artifact/artifact.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

TEST(MutateArtifact, JoinsWhatItSplitToTheSameFile) {
  EXPECT_EQ(join_artifact(split_artifact(small_file())), small_file());
}

TEST(MutateArtifact, SplitsWhateverBytesThereAre) {
  for (size_t size = 0; size < small_file().size(); size += 7) {
    const std::string file = join_artifact(split_artifact(small_file().substr(0, size)));
    EXPECT_NO_THROW(read_container(file, "joined")) << size;
  }
}

TEST(MutateArtifact, MendsTheDigest) {
  Container container = split_artifact(small_file());
  container.sections.back().back() = static_cast<char>(container.sections.back().back() ^ 1);
  const std::string mended = join_artifact(container);
  EXPECT_NE(mended, write_container(container.header, container.sections))
      << "the old digest is still there";
}

/// One byte set, appended or dropped, in turn.
MutateBytes simple_mutation(uint64_t seed) {
  return [seed](uint8_t* data, size_t size, size_t max_size) {
    const RandomStream stream(seed, Purpose::kTest, 1);
    if (seed % 3 == 0 && size < max_size) {
      data[size] = static_cast<uint8_t>(stream.bits(0));
      return size + 1;
    }
    if (seed % 3 == 1 && size > 1) return size - 1;
    if (size > 0) data[stream.below(1, size)] = static_cast<uint8_t>(stream.bits(2));
    return size;
  };
}

/// What stops a mutated file: the words of its refusal behind the last colon of its kind.
enum class Reached { kFront, kInside, kLoads };

Reached reached_by(const std::string& file) {
  try {
    parse_artifact(file, "f");
    return Reached::kLoads;
  } catch (const Error& error) {
    return std::string(error.what()).starts_with("f: malformed artifact") ? Reached::kInside
                                                                          : Reached::kFront;
  }
}

TEST(MutateArtifact, ReachesBehindTheChecksums) {
  std::map<Reached, int> counts;
  for (uint64_t seed = 0; seed < 400; ++seed)
    ++counts[reached_by(mutate_artifact(small_file(), 1 << 16, seed, simple_mutation(seed)))];
  EXPECT_GT(counts[Reached::kFront], 0) << "bytes left unrepaired";
  EXPECT_GT(counts[Reached::kInside], 200);
  EXPECT_GT(counts[Reached::kLoads], 20) << "other weights";
}

TEST(MutateArtifact, KeepsToTheLargestSize) {
  for (uint64_t seed = 0; seed < 100; ++seed)
    EXPECT_LE(mutate_artifact(small_file(), 4'000, seed, simple_mutation(seed)).size(), 4'000u);
}

}  // namespace
}  // namespace reprise
