// Scoring against the network called by hand: windows, padding, gates, costs.
#include "eval/scorer.h"

#include "eval/checks.h"
#include "models/cost/flops.h"
#include "tests/eval/scorer_fixture.h"

namespace reprise {
namespace {

TEST_F(ScorerTest, WindowsGiveTheContextTheyPromise) {
  const UnitText text = whole_split();
  const int64_t document = longest_document(text);
  const int64_t tokens = text.documents[static_cast<size_t>(document)].tokens;
  ASSERT_GT(tokens, 64 + 32 + 10);
  const UnitColumns columns = score(text, {}, kOptions);
  const auto nll = [&](int64_t position) {
    const auto row = columns.documents.first_token[static_cast<size_t>(document)] +
                     static_cast<uint64_t>(position) - 1;
    return columns.tokens.nll_base[row];
  };
  EXPECT_NEAR(nll(1), by_hand(text, document, 0, 1), 1e-4);
  EXPECT_NEAR(nll(64), by_hand(text, document, 0, 64), 1e-4);
  EXPECT_NEAR(nll(65), by_hand(text, document, 32, 65), 1e-4);  // the second window starts at 32
  EXPECT_NEAR(nll(96), by_hand(text, document, 32, 96), 1e-4);
  const int64_t last_start = tokens - 1 - 64;  // the last window is full
  EXPECT_NEAR(nll(tokens - 1), by_hand(text, document, last_start, tokens - 1), 1e-4);
}

TEST_F(ScorerTest, NeighboursAndPaddingChangeNothing) {
  const UnitText text = whole_split();
  const SecondPass second = above(kMedianEntropy);
  const UnitColumns together =
      score(text, second, {{64, 32}, 1 << 20});  // one batch, padded to the longest
  for (size_t d = 0; d < text.documents.size(); d += 5) {
    const UnitText alone = read_unit(*corpus_, Split::kTest, {static_cast<int64_t>(d), 1});
    const UnitColumns single = score(alone, second, {{64, 32}, 64});
    for (size_t i = 0; i < single.tokens.token.size(); ++i) {
      const size_t row = together.documents.first_token[d] + i;
      EXPECT_EQ(single.tokens.token[i], together.tokens.token[row]);
      EXPECT_EQ(single.tokens.refined[i], together.tokens.refined[row]);
      EXPECT_EQ(single.tokens.random[i], together.tokens.random[row]);
      EXPECT_NEAR(single.tokens.nll_base[i], together.tokens.nll_base[row], 1e-4);
      EXPECT_NEAR(single.tokens.nll_all[i], together.tokens.nll_all[row], 1e-4);
    }
  }
}

TEST_F(ScorerTest, CountsThePassesOfPositionsThatExit) {
  ModelOptions model = tiny_model(*corpus_, Family::kRecurrent);
  model.passes = 3;
  model.halting = Halting::kExit;
  const Network network(model, random_parameters(model), at::kFloat);
  const Scorer scorer(network, above(kMedianEntropy));
  const ScoringBatch batch = make_batches(whole_split(), kOptions).front();
  const std::vector<uint8_t> passes = score_alone(scorer, batch).passes;
  const at::NoGradGuard no_grad;
  const at::Tensor exits_M = network.base_passes(batch.tokens_BT).exits_M;
  ASSERT_EQ(std::ssize(passes), batch.rows_N.numel());
  for (size_t n = 0; n < passes.size(); ++n)
    EXPECT_EQ(passes[n], exits_M[batch.rows_N[static_cast<int64_t>(n)]].item<int64_t>());
  EXPECT_NE(std::ranges::min(passes), std::ranges::max(passes)) << "otherwise nothing is tested";
}

TEST_F(ScorerTest, GateDecidesByEntropyAndReplacesTheScore) {
  const UnitColumns columns = score(whole_split(), above(kMedianEntropy), kOptions);
  const TokenColumns& t = columns.tokens;
  const auto refined = std::ranges::count(t.refined, 1);
  ASSERT_GT(refined, 0);
  ASSERT_LT(refined, std::ssize(t.refined));
  double moved = 0;
  for (size_t i = 0; i < t.token.size(); ++i) {
    EXPECT_EQ(t.refined[i], t.entropy_base[i] > kMedianEntropy);
    EXPECT_EQ(t.passes[i], 2 + t.refined[i]);
    if (t.refined[i]) {
      EXPECT_NEAR(t.nll_gated[i], t.nll_all[i], 1e-4);
    } else {
      EXPECT_EQ(t.nll_gated[i], t.nll_base[i]);
    }
    if (t.random[i]) {
      EXPECT_NEAR(t.nll_random[i], t.nll_all[i], 1e-4);
    } else {
      EXPECT_EQ(t.nll_random[i], t.nll_base[i]);
    }
    moved = std::max(moved, static_cast<double>(std::abs(t.nll_all[i] - t.nll_base[i])));
  }
  EXPECT_GT(moved,
            0.1);  // the second pass does something here, so the comparisons above say something
}

TEST_F(ScorerTest, TheControlRefinesAsManyTokensOfEveryWindow) {
  const UnitText text = whole_split();
  const UnitColumns columns = score(text, above(kMedianEntropy), kOptions);
  EXPECT_EQ(columns.documents.random, columns.documents.refined);
  EXPECT_NE(columns.tokens.random, columns.tokens.refined);
  int64_t windows_of_longest = 0;
  for (const Window& window : unit_windows(text, kOptions)) {
    windows_of_longest += window.document == longest_document(text);
    const uint64_t document = columns.documents.first_token[static_cast<size_t>(window.document)];
    const auto scored = [&](const std::vector<uint8_t>& flags) {
      return std::span(flags).subspan(
          document + static_cast<uint64_t>(window.scored),
          static_cast<size_t>(window.first + window.length - window.scored));
    };
    EXPECT_EQ(std::ranges::count(scored(columns.tokens.random), 1),
              std::ranges::count(scored(columns.tokens.refined), 1));
  }
  EXPECT_GT(windows_of_longest, 2);
}

TEST_F(ScorerTest, NeitherGateNorControlSeesTheTarget) {
  const UnitText text = whole_split();
  ScoringBatch batch = make_batches(text, kOptions).front();
  const Scorer scorer(*network_, above(kMedianEntropy));
  const BatchScores scores = score_alone(scorer, batch);
  batch.targets_N = (batch.targets_N + 1) % network_->options().vocab;
  const BatchScores others = score_alone(scorer, batch);
  EXPECT_NE(scores.base.nll, others.base.nll);
  EXPECT_EQ(scores.refined, others.refined);
  EXPECT_EQ(scores.random, others.random);
}

/// What lets a verdict read the corrections of every gate from the columns of all positions.
TEST_F(ScorerTest, UnderTheCoarseRuleTheColumnsOfAllPositionsSpeakForTheGate) {
  const UnitText text = whole_split();
  const Scorer scorer(*network_, above(kMedianEntropy));
  for (const ScoringBatch& batch : make_batches(text, kOptions)) {
    const at::NoGradGuard no_grad;
    const BatchScores scores = score_alone(scorer, batch);
    const BasePasses base = network_->base_passes(batch.tokens_BT, {.keys = true});
    const at::Tensor logits = network_->logits(network_->refine_all(base));
    const double largest_logit = logits.abs().max().item<double>();
    // A likelihood moves by at most twice what its logits do.
    const double tolerance_nats =
        2 * rounding_tolerance(Arithmetic::kFp32) * epsilon_of(Arithmetic::kFp32) * largest_logit;
    for (size_t n = 0; n < scores.refined.size(); ++n) {
      if (scores.refined[n]) {
        EXPECT_NEAR(scores.nll_gated[n], scores.all.nll[n], tolerance_nats);
      }
      if (scores.random[n]) {
        EXPECT_NEAR(scores.nll_random[n], scores.all.nll[n], tolerance_nats);
      }
    }
  }
}

TEST_F(ScorerTest, WithoutItsSignalsATextIsScoredTheSame) {
  SecondPass second = above(kMedianEntropy);
  const UnitColumns all = score(whole_split(), second, kOptions);
  second.records_signals = false;
  const UnitColumns few = score(whole_split(), second, kOptions);
  EXPECT_EQ(all.tokens.nll_gated, few.tokens.nll_gated);
  EXPECT_EQ(all.tokens.max_probability, few.tokens.max_probability);
  EXPECT_FALSE(all.tokens.residual.empty());
  EXPECT_TRUE(few.tokens.residual.empty());
  SecondPass by_states{make_gate(parse_gate("cosine"), {-0.9f})};
  by_states.records_signals = false;
  const UnitColumns states = score(whole_split(), by_states, kOptions);
  EXPECT_EQ(states.tokens.residual, all.tokens.residual);
  EXPECT_TRUE(states.tokens.divergence.empty());
}

/// An earlier state through the coda and the head, and through the head alone; the coarse logits
/// are those of the predictions. A gate that compares states alone costs no product.
TEST_F(ScorerTest, ChargesSignalsWhatTheyTake) {
  const ScoringBatch batch = make_batches(whole_split(), kOptions).front();
  const PassFlops flops(network_->options());
  PassWork work;
  for (const double keys : batch.keys) work += {1, keys, 1};
  const auto charged = [&](SecondPass second, bool every) {
    second.records_signals = every;
    Accounting spent;
    UnitDepths depths;
    Scorer(*network_, second).score(batch, depths, spent);
    return spent.signals.nominal_flops;
  };
  EXPECT_EQ(charged(above(kMedianEntropy), true), flops.readout(work) + flops.head(work));
  EXPECT_EQ(charged(above(kMedianEntropy), false), 0);
  EXPECT_EQ(charged({make_gate(parse_gate("residual"), {0})}, false), 0);
  EXPECT_EQ(charged({make_gate(parse_gate("divergence"), {0})}, false),
            flops.readout(work) + flops.head(work));
}

TEST_F(ScorerTest, CountsWhatEveryPassHeldAndDid) {
  SecondPass second = above(kMedianEntropy);
  second.records_signals = false;
  const Scorer scorer(*network_, second);
  Accounting spent;
  UnitDepths depths;
  scorer.score(make_batches(whole_split(), kOptions).front(), depths, spent);
  for (const PassCost* cost : {&spent.base, &spent.gated, &spent.random, &spent.all}) {
    EXPECT_GT(cost->peak_bytes, 0);
    EXPECT_GT(cost->nominal_flops, 0);
    EXPECT_GE(cost->executed_flops, cost->nominal_flops);
  }
  EXPECT_EQ(spent.nan_scores, 0);
  Accounting of_none;
  const Scorer none(*network_, above(100));
  none.score(make_batches(whole_split(), kOptions).front(), depths, of_none);
  EXPECT_LT(of_none.gated.peak_bytes, spent.gated.peak_bytes);
  EXPECT_EQ(of_none.gated.nominal_flops, 0);
}

TEST_F(ScorerTest, NothingAndEverythingRefined) {
  const UnitText text = whole_split();
  const UnitColumns none = score(text, above(100), kOptions);
  EXPECT_EQ(none.tokens.nll_gated, none.tokens.nll_base);
  EXPECT_EQ(none.tokens.nll_random, none.tokens.nll_base);
  const UnitColumns all = score(text, above(-1), kOptions);
  EXPECT_THAT(all.tokens.nll_gated,
              testing::Pointwise(testing::FloatNear(1e-4f), all.tokens.nll_all));
  EXPECT_EQ(all.tokens.nll_gated, all.tokens.nll_random);
}

TEST_F(ScorerTest, ColumnsComeFromTheText) {
  const UnitText text = whole_split();
  const UnitColumns columns = score(text, {}, kOptions);
  EXPECT_TRUE(columns.tokens.nll_gated.empty());
  uint64_t row = 0;
  for (size_t d = 0; d < text.documents.size(); ++d) {
    EXPECT_EQ(columns.documents.first_token[d], row);
    EXPECT_EQ(columns.documents.bytes[d], static_cast<uint64_t>(text.documents[d].bytes.value));
    EXPECT_EQ(columns.documents.hash[d], to_hex(text.documents[d].hash));
    EXPECT_EQ(columns.tokens.token[row], text.token(static_cast<int64_t>(d), 1));
    EXPECT_EQ(columns.tokens.position[row], 1u);
    EXPECT_TRUE(columns.tokens.slices[row] & static_cast<uint32_t>(Slice::kEarly));
    row += columns.documents.tokens[d];
  }
  EXPECT_EQ(row, columns.tokens.token.size());
}

TEST_F(ScorerTest, DocumentWhoseBytesDisagreeIsRefused) {
  UnitText text = whole_split();
  std::vector<Document> documents(text.documents.begin(), text.documents.end());
  documents[0].bytes.value += 1000;
  text.documents = documents;
  try {
    score(text, {}, kOptions);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kInvalidTrace);
  }
}

TEST(Cost, ByHand) {
  ModelOptions model;
  model.vocab = 100, model.width = 8, model.heads = 2, model.kv_heads = 1, model.mlp_ratio = 2;
  model.prelude = 1, model.core = 2, model.coda = 1, model.passes = 2;
  // Layer: query and output 2*64, key and value 2*8*4, MLP 2*2*64. Six layers run; attention 4*8 a
  // key and layer.
  const PassWork one{1, 10, 1};
  EXPECT_EQ(base_flops(model, one), 2 * 6 * (128 + 64 + 256) + 4 * 8 * 6 * 10 + 2 * 8 * 100);
  EXPECT_EQ(refinement_flops(model, one), 2 * 3 * (128 + 256) + 4 * 8 * 3 * 10 + 2 * 8 * 100);
}

}  // namespace
}  // namespace reprise
