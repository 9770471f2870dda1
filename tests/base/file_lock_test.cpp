// Two processes that want one place, and what a killed one leaves.
#include "base/file_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A process that holds what `take` takes, until it is killed.
class Holder {
 public:
  explicit Holder(const std::function<FileLock()>& take) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    child_ = fork();
    if (child_ == 0) {
      const FileLock lock = take();
      EXPECT_EQ(write(ready[1], "-", 1), 1);
      while (true) pause();
    }
    char said;
    EXPECT_EQ(read(ready[0], &said, 1), 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~Holder() { end(); }
  void end() {
    if (child_ > 0) kill(child_, SIGKILL), waitpid(child_, nullptr, 0);
    child_ = -1;
  }
  pid_t process() const { return child_; }

 private:
  pid_t child_ = -1;
};

std::string refusal(const std::function<FileLock()>& take) {
  try {
    take();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kFailure);
    return error.what();
  }
  return "taken";
}

class FileLockTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  fs::path place_ = folder_ / "new/place";
};

TEST_F(FileLockTest, NamesWhoHoldsAFolderAndIsFreeWhenThatOneIsKilled) {
  const auto take = [&] { return lock_folder(place_); };
  Holder holder(take);
  const std::string line = refusal(take);
  EXPECT_THAT(line, HasSubstr(concat("another run (process ", holder.process(), " on ")));
  EXPECT_THAT(line, HasSubstr(place_.string()));
  holder.end();
  EXPECT_EQ(refusal(take), "taken");
}

TEST_F(FileLockTest, OfOneOutputLeavesItsNeighboursAlone) {
  const Holder holder([&] { return lock_output(place_); });
  EXPECT_THAT(refusal([&] { return lock_output(place_); }), HasSubstr("another run"));
  EXPECT_EQ(refusal([&] { return lock_output(place_.string() + "2"); }), "taken");
}

TEST_F(FileLockTest, SaysThatItWaitsWhereItWaitsLong) {
  const Holder holder([&] { return lock_output(place_); });
  testing::internal::CaptureStderr();
  log::start(log::Level::kInfo, 0, 1);
  refusal([&] {
    return FileLock(place_.string() + ".lock", "a place", std::chrono::milliseconds(2500),
                    FileLock::Leave::kFile);
  });
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr(concat("waits for another run (process ", holder.process(), " on ")));
  EXPECT_THAT(said, HasSubstr(" in a place to end\n"));
}

TEST_F(FileLockTest, LeavesNothing) {
  { const FileLock lock = lock_folder(place_); }
  EXPECT_FALSE(fs::exists(place_.parent_path())) << "no folder above it either";
  make_folder(place_);
  { const FileLock lock = lock_folder(place_); }
  EXPECT_TRUE(fs::is_empty(place_));
  make_folder(folder_ / "behind");
  fs::create_directory_symlink("behind", folder_ / "link");
  const FileLock other = lock_output(folder_ / "behind");
  EXPECT_THAT(refusal([&] { return lock_output(folder_ / "link/"); }), HasSubstr("another run"))
      << "the same place by another name";
  { const FileLock lock = lock_output(place_); }
  EXPECT_FALSE(fs::exists(place_.string() + ".lock"));
}

TEST_F(FileLockTest, RemovesFromAFolderWhatKilledRunsWereWriting) {
  write_file(folder_ / "model", "-");
  write_file(folder_ / "model.tmp.x1", "-");
  write_file(folder_ / "model.tmp.123", "cut sh");
  const FileLock lock = lock_folder(folder_.path());
  EXPECT_TRUE(fs::exists(folder_ / "model"));
  EXPECT_TRUE(fs::exists(folder_ / "model.tmp.x1"));
  EXPECT_FALSE(fs::exists(folder_ / "model.tmp.123"));
}

TEST_F(FileLockTest, RemovesOfAnOutputOnlyWhatIsItsOwn) {
  for (const char* name : {"a.tmp.1", "a.tmp.1.tmp.1", "a.json.tmp.1", "a.other.tmp.1", "ab.tmp.1"})
    write_file(folder_ / name, "cut sh");
  const std::vector<std::string_view> endings{".json"};
  const FileLock lock = lock_output(folder_ / "a", endings);
  EXPECT_FALSE(fs::exists(folder_ / "a.tmp.1"));
  EXPECT_FALSE(fs::exists(folder_ / "a.tmp.1.tmp.1")) << "written through two temporary files";
  EXPECT_FALSE(fs::exists(folder_ / "a.json.tmp.1"));
  EXPECT_TRUE(fs::exists(folder_ / "a.other.tmp.1"));
  EXPECT_TRUE(fs::exists(folder_ / "ab.tmp.1"));
}

}  // namespace
}  // namespace reprise
