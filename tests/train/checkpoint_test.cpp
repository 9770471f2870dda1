#include "train/checkpoint.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "base/error.h"
#include "base/file.h"
#include "base/options.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

template <class Work>
Error thrown_by(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return {ExitCode::kOk, "nothing was thrown"};
}

/// A folder all ranks share.
class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() { place_ = broadcast_text(comm_, (own_ / "checkpoint").string()); }
  ~CheckpointTest() override { comm_.barrier(); }

  /// As many ranks hold them that hold all.
  static StateShare tensors(float scale) {
    return {{{"a", at::arange(6, at::kFloat).view({2, 3}) * scale},
             {"b", at::full({}, scale)},
             {"c", at::full({4}, 2 * scale, at::kDouble)},
             {"d", at::zeros({0, 2})}},
            {},
            {}};
  }
  /// The same, where b, c and d lie on one rank each.
  StateShare sharded_tensors(float scale) const {
    const auto all = tensors(scale).common;
    StateShare share{{all[0]}, {}, {}};
    for (size_t i = 1; i < all.size(); ++i)
      if (static_cast<int>(i) % comm_.size() == comm_.rank())
        share.mine.push_back(all[i]);
      else
        share.elsewhere.push_back(all[i].name);
    return share;
  }
  static void expect_equal(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].name, b[i].name);
      EXPECT_TRUE(at::equal(a[i].tensor, b[i].tensor)) << a[i].name;
    }
  }
  static CheckpointRecord record(int64_t step) {
    const json layouts = {{{"first_step", 0}, {"ranks", 2}, {"threads", 3}}};
    return {step, 1.5, 2, 3, "cuda Some GPU", layouts, {{"train", {{"seed", 7}}}}};
  }
  /// Every rank reads; only rank 0 may damage what is there.
  void on_rank_0(const std::function<void()>& work) {
    if (comm_.rank() == 0) work();
    comm_.barrier();
  }
  fs::path any_share() const {
    return CheckpointFolder(place_, comm_).place_of(10) /
           concat("rank_00000_of_0000", comm_.size(), ".safetensors");
  }

  Communicator& comm_ = test_comm();
  TemporaryFolder own_;
  fs::path place_;
};

TEST_F(CheckpointTest, AFreshFolderHasNone) {
  EXPECT_EQ(CheckpointFolder(place_, comm_).newest(), std::nullopt);
}

TEST_F(CheckpointTest, GivesBackWhatWasSaved) {
  ASSERT_TRUE(CheckpointFolder(place_, comm_).save(record(10), tensors(3)));
  const CheckpointFolder folder(place_, comm_);
  const auto found = folder.newest();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 10);
  EXPECT_EQ(found->elapsed_s, 1.5);
  EXPECT_EQ(found->ranks, 2);
  EXPECT_EQ(found->threads, 3);
  EXPECT_EQ(found->device, "cuda Some GPU");
  EXPECT_EQ(found->layouts, record(10).layouts);
  EXPECT_EQ(found->identity, record(10).identity);
  const auto restored = tensors(0), expected = tensors(3);
  folder.restore(*found, restored);
  expect_equal(restored.common, expected.common);
}

// The files name tensors, not ranks: who writes and who reads what may change from start to start.
TEST_F(CheckpointTest, WhatEachRankHoldsAloneIsRestoredOnAnyRanksThatWantIt) {
  const auto self = make_self_communicator();
  CheckpointFolder folder(place_, comm_);
  ASSERT_TRUE(folder.save(record(10), sharded_tensors(3)));
  const StateShare whole = tensors(0), alone = tensors(0), again = sharded_tensors(0);
  folder.restore(*folder.newest(), whole);
  expect_equal(whole.common, tensors(3).common);
  CheckpointFolder(place_, *self).restore(*folder.newest(), alone);
  expect_equal(alone.common, tensors(3).common);
  folder.restore(*folder.newest(), again);
  expect_equal(again.mine, sharded_tensors(3).mine);

  ASSERT_TRUE(folder.save(record(20), tensors(4)));
  folder.restore(*folder.newest(), again);
  expect_equal(again.common, sharded_tensors(4).common);
  expect_equal(again.mine, sharded_tensors(4).mine);
  comm_.barrier();
}

TEST_F(CheckpointTest, ATensorThatOtherRanksWantMustBeThereToo) {
  CheckpointFolder folder(place_, comm_);
  ASSERT_TRUE(folder.save(record(10), tensors(3)));
  StateShare more = tensors(0);
  more.elsewhere.push_back("e");
  EXPECT_THAT(thrown_by([&] { folder.restore(*folder.newest(), more); }).what(),
              HasSubstr("lacks e"));
  comm_.barrier();
}

TEST_F(CheckpointTest, EveryRankWritesItsShare) {
  ASSERT_TRUE(CheckpointFolder(place_, comm_).save(record(10), tensors(3)));
  const auto entries = fs::directory_iterator(CheckpointFolder(place_, comm_).place_of(10));
  EXPECT_EQ(std::distance(begin(entries), end(entries)), comm_.size() + 1);
}

TEST_F(CheckpointTest, TheOlderOneStaysUntilTheNewOneIsSaidToBeGood) {
  CheckpointFolder folder(place_, comm_);
  ASSERT_TRUE(folder.save(record(10), tensors(3)));
  ASSERT_TRUE(folder.save(record(20), tensors(4)));
  on_rank_0([&] { fs::create_directory(folder.place_of(15)); });
  EXPECT_EQ(folder.newest()->step, 20);
  EXPECT_EQ(folder.newest_before(20), 10) << "step 15 has no manifest";
  EXPECT_EQ(folder.newest_before(10), std::nullopt);
  comm_.barrier();
  folder.keep_only(20);
  comm_.barrier();
  EXPECT_EQ(folder.newest()->step, 20);
  EXPECT_FALSE(fs::exists(folder.place_of(10)));
  EXPECT_FALSE(fs::exists(folder.place_of(15)));
}

TEST_F(CheckpointTest, AFolderWithoutAManifestDoesNotCount) {
  CheckpointFolder folder(place_, comm_);
  ASSERT_TRUE(folder.save(record(10), tensors(3)));
  on_rank_0([&] { fs::create_directory(folder.place_of(20)); });
  EXPECT_EQ(folder.newest()->step, 10);
}

// A limit on the size of files stands in for a full disk on one rank: the write fails half-way in
// the same manner.
TEST_F(CheckpointTest, AFailedSaveOnOneRankLeavesTheLastGoodOne) {
  CheckpointFolder folder(place_, comm_);
  ASSERT_TRUE(folder.save(record(10), tensors(3)));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{32, before.rlim_max};
  if (comm_.rank() == comm_.size() - 1) setrlimit(RLIMIT_FSIZE, &small);
  const bool saved = folder.save(record(20), tensors(4));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);

  EXPECT_FALSE(saved);
  EXPECT_EQ(folder.newest()->step, 10);
  comm_.barrier();
  EXPECT_FALSE(fs::exists(folder.place_of(20)));
  EXPECT_TRUE(folder.save(record(30), tensors(5)));  // and the next one succeeds
  EXPECT_EQ(folder.newest()->step, 30);
}

TEST_F(CheckpointTest, DamageIsAnErrorAndNotAnOlderState) {
  CheckpointFolder folder(place_, comm_);
  ASSERT_TRUE(folder.save(record(10), tensors(3)));
  const std::string whole = read_file(any_share());
  comm_.barrier();
  std::string flipped = whole;
  flipped[flipped.size() - 2] ^= 1;
  for (const auto& damaged : {flipped, whole.substr(0, whole.size() - 1), std::string("x")}) {
    on_rank_0([&] { write_file(any_share(), damaged); });
    const Error error = thrown_by([&] { folder.restore(*folder.newest(), tensors(0)); });
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("damaged"));
    comm_.barrier();
  }
  on_rank_0([&] { fs::remove(any_share()); });
  EXPECT_EQ(thrown_by([&] { folder.restore(*folder.newest(), tensors(0)); }).code(),
            ExitCode::kBadInput);
}

TEST_F(CheckpointTest, ADamagedManifestIsAnError) {
  CheckpointFolder folder(place_, comm_);
  ASSERT_TRUE(folder.save(record(10), tensors(3)));
  const fs::path manifest = folder.place_of(10) / "manifest.json";
  const std::string whole = read_file(manifest);
  comm_.barrier();
  std::string other_step = whole;
  other_step.replace(other_step.find("\"step\": 10"), 10, "\"step\": 11");
  for (const auto& damaged : {whole.substr(0, whole.size() / 2), std::string("{}"), other_step}) {
    on_rank_0([&] { write_file(manifest, damaged); });
    EXPECT_EQ(thrown_by([&] { folder.newest(); }).code(), ExitCode::kBadInput);
    comm_.barrier();
  }
}

TEST_F(CheckpointTest, AManifestOfAnotherVersionIsRefusedByWhatItLacks) {
  CheckpointFolder folder(place_, comm_);
  ASSERT_TRUE(folder.save(record(10), tensors(3)));
  const fs::path path = folder.place_of(10) / "manifest.json";
  json manifest = json::parse(read_file(path));
  comm_.barrier();
  for (const char* key : {"digest", "layouts"}) manifest.erase(key);
  manifest["digest"] = digest_of(manifest);
  on_rank_0([&] { write_file(path, manifest.dump()); });
  const Error error = thrown_by([&] { folder.newest(); });
  EXPECT_EQ(error.code(), ExitCode::kBadInput);
  EXPECT_THAT(error.what(), HasSubstr("says no layouts"));
}

TEST_F(CheckpointTest, TensorsOfAnotherModelAreRefused) {
  CheckpointFolder folder(place_, comm_);
  ASSERT_TRUE(folder.save(record(10), tensors(3)));
  auto more = tensors(0), fewer = tensors(0), other_shape = tensors(0);
  more.common.push_back({"e", at::zeros({1})});
  fewer.common.pop_back();
  other_shape.common[0].tensor = at::zeros({3, 2});
  EXPECT_THAT(thrown_by([&] { folder.restore(*folder.newest(), more); }).what(),
              HasSubstr("lacks e"));
  EXPECT_THAT(thrown_by([&] { folder.restore(*folder.newest(), fewer); }).what(),
              HasSubstr("holds d"));
  EXPECT_THAT(thrown_by([&] { folder.restore(*folder.newest(), other_shape); }).what(),
              HasSubstr("a has another shape"));
}

TEST(Identity, TheFirstKeyThatDiffersIsNamedInOneLine) {
  const json ours{{"model", {{"width", 64}}}, {"train", {{"seed", 1}, {"steps", 5}}}};
  json theirs = ours;
  EXPECT_NO_THROW(require_same_identity(ours, theirs, "x"));
  theirs["train"]["steps"] = 6;
  const Error error = thrown_by([&] { require_same_identity(ours, theirs, "out/step_000010"); });
  EXPECT_EQ(error.code(), ExitCode::kBadInput);
  EXPECT_THAT(
      error.what(),
      HasSubstr("out/step_000010 is of another configuration: train.steps is 6 there and 5 here"));
  theirs = ours;
  theirs["train"]["kappa"] = 0.5;
  EXPECT_THAT(thrown_by([&] { require_same_identity(ours, theirs, "x"); }).what(),
              HasSubstr("train.kappa is 0.5 there"));
}

}  // namespace
}  // namespace reprise
