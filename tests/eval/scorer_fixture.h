// What the tests of the scorer share: a small text, and a network of random weights.
#pragma once

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "eval/unit.h"
#include "tests/eval/tiny_world.h"
#include "tests/support/temporary_folder.h"

namespace reprise {

class ScorerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    write_tiny_corpus(folder_->path());
    corpus_ = std::make_unique<Corpus>(folder_->path() / "corpus");
    network_ = std::make_unique<Network>(
        tiny_model(*corpus_, Family::kRecurrent),
        random_parameters(tiny_model(*corpus_, Family::kRecurrent)), at::kFloat);
  }
  static void TearDownTestSuite() {
    network_.reset();
    corpus_.reset();
    folder_.reset();
  }

  static UnitText whole_split() {
    return read_unit(*corpus_, Split::kTest, {0, std::ssize(corpus_->documents(Split::kTest))});
  }

  static SecondPass above(double threshold_nats) {
    return {make_gate({"entropy", threshold_nats, 0.3, ""})};
  }

  static UnitColumns score(const UnitText& text, const SecondPass& second, UnitOptions options) {
    const Scorer scorer(*network_, second);
    const Slicer slicer(corpus_->train_counts(), 0.1, 16);
    Accounting unused;
    return UnitScorer(scorer, corpus_->tokenizer(), slicer, options).score(text, unused);
  }

  static BatchScores score_alone(const Scorer& scorer, const ScoringBatch& batch) {
    Accounting unused;
    UnitDepths nothing_before;
    return scorer.score(batch, nothing_before, unused);
  }

  /// Nats of the document's token `position`, from a window that starts at `first`, alone.
  static double by_hand(const UnitText& text, int64_t document, int64_t first, int64_t position) {
    const at::NoGradGuard no_grad;
    std::vector<int64_t> inputs;
    for (int64_t i = first; i < position; ++i) inputs.push_back(text.token(document, i));
    const auto features =
        network_->base_passes(at::tensor(inputs, at::kLong).unsqueeze(0)).features_BTD;
    const at::Tensor last = features.select(1, features.size(1) - 1);
    return network_
        ->cross_entropy(last, at::tensor({int64_t{text.token(document, position)}}, at::kLong))
        .item<double>();
  }

  static int64_t longest_document(const UnitText& text) {
    const auto longest = std::ranges::max_element(text.documents, {}, &Document::tokens);
    return longest - text.documents.begin();
  }

  static constexpr double kMedianEntropy = 5.0;  // or near it: some predictions lie on either side
  static constexpr UnitOptions kOptions{{64, 32}, 256};
  static inline std::unique_ptr<TemporaryFolder> folder_;
  static inline std::unique_ptr<Corpus> corpus_;
  static inline std::unique_ptr<Network> network_;
};

}  // namespace reprise
