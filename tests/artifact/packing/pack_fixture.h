// What the tests of `reprise pack` share: a corpus of samples and models with fresh weights.
#pragma once

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "data/build.h"
#include "data/corpus.h"
#include "launch/command.h"
#include "models/parameters.h"
#include "tests/data/samples.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"
#include "train/model_file.h"

namespace reprise {

/// As `reprise train` leaves it. Fresh weights have zeroed outputs and give every token the same
/// entropy; noise stands in for training.
inline void write_trained_model(const std::filesystem::path& folder, const ModelOptions& options,
                                const std::string& tokenizer, float first_weight = 0) {
  const at::NoGradGuard no_grad;
  const Parameters parameters(options, /*seed=*/3);
  std::vector<ArrayView> arrays;
  uint64_t step = 0;
  for (const Parameter& parameter : parameters.list()) {
    const RandomStream noise(3, Purpose::kTest, static_cast<uint32_t>(step++));
    const std::span<float> values(parameter.tensor.data_ptr<float>(),
                                  static_cast<size_t>(parameter.tensor.numel()));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] += static_cast<float>(0.1 * noise.normal(i));
    if (arrays.empty() && first_weight != 0) values[0] = first_weight;
    arrays.push_back(ArrayView::of(parameter.name, parameter.tensor.sizes().vec(), values));
  }
  ModelOptions copy = options;
  OptionSet set("train", "");
  set.add("model", copy);
  make_folder(folder);
  write_model(folder, arrays, {{"config", set.resolved()}, {"tokenizer_sha256", tokenizer}});
}

/// What is written to std::cout while it lives. The harness has GoogleTest's capture of stdout.
class CaptureCout {
 public:
  CaptureCout() : before_(std::cout.rdbuf(text_.rdbuf())) {}
  ~CaptureCout() { std::cout.rdbuf(before_); }
  CaptureCout(const CaptureCout&) = delete;
  CaptureCout& operator=(const CaptureCout&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

/// A corpus and a model of each family; rank 0 makes them, all ranks read.
class PackCommand : public testing::Test {
 protected:
  PackCommand() : root_(broadcast_text(test_comm(), own_.path().string())) {
    log::start(log::Level::kWarning, test_comm().rank(), test_comm().size());
    if (test_comm().rank() == 0) {
      write_samples(root_ / "source", 40);
      build_corpus(small_options(root_ / "source", root_ / "corpus"), {});
      const Corpus corpus(root_ / "corpus");
      ModelOptions options{.vocab = corpus.tokenizer().vocab(), .width = 32, .context = 64};
      write_trained_model(root_ / "recurrent", options, corpus.tokenizer().digest());
      options.family = Family::kStatic;
      options.passes = 1;
      write_trained_model(root_ / "static", options, corpus.tokenizer().digest());
    }
    test_comm().barrier();
  }
  ~PackCommand() override { test_comm().barrier(); }

  std::filesystem::path pack(Communicator& comm, const std::string& model, const std::string& out,
                             std::vector<std::string> more = {}) {
    std::vector<std::string> words{
        "--pack.model", (root_ / model).string(), "--pack.corpus", (root_ / "corpus").string(),
        "--pack.out",   (root_ / out).string(),   "--pack.bytes",  bytes_};
    words.insert(words.end(), more.begin(), more.end());
    const CaptureCout captured;
    EXPECT_EQ(run_pack(words, comm), ExitCode::kOk);
    printed_ = captured.text();
    return root_ / out;
  }

  TemporaryFolder own_;
  std::filesystem::path root_;
  std::string bytes_ = "40000", printed_;
};

}  // namespace reprise
