// Reading a text in pieces, on stored keys, gives what reading it in one gives: coarse and refined,
// under every rule, for every variant of the models.
#include "models/decoder.h"

#include <gmock/gmock.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "tests/models/variants.h"

namespace reprise {
namespace {

using test::lively_parameters;
using test::relative_difference;
using test::some_tokens;

constexpr int64_t kSequences = 2, kLength = 6;

/// Positions that the first refinement takes, and of those the second.
at::Tensor mask_of(int refinement) {
  const std::vector<int64_t> rows =
      refinement == 0 ? std::vector<int64_t>{0, 2, 3, 5, 8, 9} : std::vector<int64_t>{2, 5, 8};
  return at::zeros({kSequences * kLength}, at::kBool)
      .index_fill(0, at::tensor(rows, at::kLong), true)
      .view({kSequences, kLength});
}

struct Case {
  test::Variant variant;
  KeyRule rule;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const test::Variant& variant : test::variants())
    for (const auto& [rule, name] : EnumNames<KeyRule>::names) all.push_back({variant, rule});
  return all;
}

class DecoderTest : public testing::TestWithParam<Case> {
 protected:
  /// The whole text at once: coarse readouts, then behind each refinement.
  std::vector<at::Tensor> whole(CodaRun coda) const {
    BasePasses base =
        network_.base_passes(tokens_BT_, {.keys = true}, {.coda = coda == CodaRun::kAgain});
    std::vector<at::Tensor> features{base.features_BTD};
    for (int refinement = 0; refinement < 2; ++refinement) {
      const at::Tensor rows_M = mask_of(refinement).flatten().nonzero().squeeze(-1);
      base = network_.advance(base, network_.refine(base, rows_M, {GetParam().rule, coda}));
      features.push_back(base.features_BTD);
    }
    if (coda == CodaRun::kOnce) features = {network_.finish(base)};
    return features;
  }

  /// The same in pieces of these lengths.
  std::vector<at::Tensor> pieces(CodaRun coda, const std::vector<int64_t>& lengths) const {
    Decoder decoder(network_, kSequences, {GetParam().rule, coda, /*refinements=*/2});
    std::vector<std::vector<at::Tensor>> parts(coda == CodaRun::kOnce ? 1 : 3);
    int64_t first = 0;
    for (const int64_t length : lengths) {
      const auto part = [&](const at::Tensor& all_BT) { return all_BT.narrow(1, first, length); };
      std::vector<at::Tensor> features{decoder.step(part(tokens_BT_))};
      for (int refinement = 0; refinement < 2; ++refinement)
        features.push_back(decoder.refine(part(mask_of(refinement))));
      if (coda == CodaRun::kOnce) features = {decoder.finish()};
      for (size_t i = 0; i < parts.size(); ++i) parts[i].push_back(features[i]);
      first += length;
      EXPECT_EQ(decoder.length(), first);
    }
    std::vector<at::Tensor> all;
    for (const std::vector<at::Tensor>& of : parts) all.push_back(at::cat(of, 1));
    return all;
  }

  void expect_equal(CodaRun coda) const {
    const std::vector<at::Tensor> expected = whole(coda);
    for (const std::vector<int64_t>& lengths :
         {std::vector<int64_t>{6}, {1, 1, 1, 1, 1, 1}, {2, 1, 3}}) {
      const std::vector<at::Tensor> found = pieces(coda, lengths);
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_LT(relative_difference(found[i], expected[i]), 1e-11)
            << lengths.size() << " pieces, readout " << i;
    }
  }

  const at::NoGradGuard no_grad_;
  const ModelOptions options_ = GetParam().variant.options;
  const Network network_{options_, lively_parameters(options_, at::kDouble), at::kDouble};
  const at::Tensor tokens_BT_ = some_tokens(options_, kSequences, kLength);
};

TEST_P(DecoderTest, InPiecesAsAtOnce) { expect_equal(CodaRun::kAgain); }

TEST_P(DecoderTest, WithTheCodaOnceToo) {
  if (options_.readout == Readout::kLast) {
    expect_equal(CodaRun::kOnce);
  } else {
    EXPECT_THROW(Decoder(network_, 1, {.coda = CodaRun::kOnce}), Error);
  }
}

TEST_P(DecoderTest, TokensThatNobodyAskedToRefineAreNotRefined) {
  Decoder asked(network_, kSequences, {GetParam().rule}),
      silent(network_, kSequences, {GetParam().rule});
  const at::Tensor none = at::zeros({kSequences, 1}, at::kBool), all = none.logical_not();
  for (int64_t t = 0; t < kLength; ++t) {
    const at::Tensor token = tokens_BT_.narrow(1, t, 1);
    asked.step(token);
    silent.step(token);
    const bool last = t + 1 == kLength;
    const at::Tensor given = asked.refine(last ? all : none);
    if (last) {
      EXPECT_EQ(relative_difference(silent.refine(all), given), 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, DecoderTest, testing::ValuesIn(cases()), [](const auto& test) {
  std::string rule(enum_name(test.param.rule));
  std::erase(rule, '-');
  return concat(test.param.variant.name, "_", rule);
});

class WriteBack : public testing::Test {
 protected:
  /// Features behind each token, refined where the mask is true.
  at::Tensor read(const DecodeOptions& options, const at::Tensor& mask_BT) const {
    Decoder decoder(network_, kSequences, options);
    std::vector<at::Tensor> features;
    for (int64_t t = 0; t < kLength; ++t) {
      decoder.step(tokens_BT_.narrow(1, t, 1));
      features.push_back(decoder.refine(mask_BT.narrow(1, t, 1)));
    }
    return at::cat(features, 1);
  }

  const at::NoGradGuard no_grad_;
  const ModelOptions options_ = test::tiny_recurrent();
  const Network network_{options_, lively_parameters(options_, at::kDouble), at::kDouble};
  const at::Tensor tokens_BT_ = some_tokens(options_, kSequences, kLength);
  const DecodeOptions latest_{.rule = KeyRule::kLatest};
  const DecodeOptions write_back_{.rule = KeyRule::kLatest, .write_back = true};
};

TEST_F(WriteBack, ChangesWhatLaterTokensReadAndNothingBefore) {
  const at::Tensor latest = read(latest_, mask_of(0)), written = read(write_back_, mask_of(0));
  // Sequence 0 refines position 0, so position 0 is the last that is equal; sequence 1 position 2.
  EXPECT_EQ(relative_difference(written[0].slice(0, 0, 1), latest[0].slice(0, 0, 1)), 0);
  EXPECT_EQ(relative_difference(written[1].slice(0, 0, 3), latest[1].slice(0, 0, 3)), 0);
  for (int64_t t = 1; t < kLength; ++t)
    EXPECT_GT(relative_difference(written[0][t], latest[0][t]), 1e-6) << t;
  for (int64_t t = 3; t < kLength; ++t)
    EXPECT_GT(relative_difference(written[1][t], latest[1][t]), 1e-6) << t;
}

TEST_F(WriteBack, OfNothingIsTheCoarseReadout) {
  const at::Tensor none = at::zeros({kSequences, kLength}, at::kBool);
  EXPECT_LT(
      relative_difference(read(write_back_, none), network_.base_passes(tokens_BT_).features_BTD),
      1e-12);
}

TEST_F(WriteBack, ReadsOneTokenAtATime) {
  Decoder decoder(network_, kSequences, write_back_);
  EXPECT_THROW(decoder.step(tokens_BT_), Error);
  EXPECT_THROW(Decoder(network_, 1, {.rule = KeyRule::kDuo, .write_back = true}), Error);
}

TEST_F(WriteBack, ATextLongerThanTheContextIsRefused) {
  Decoder decoder(network_, kSequences, latest_);
  decoder.step(tokens_BT_);
  EXPECT_THROW(decoder.step(tokens_BT_.narrow(1, 0, 1)), Error);
}

}  // namespace
}  // namespace reprise
