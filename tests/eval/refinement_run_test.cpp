// Sparse refinement of texts against the network called by hand: rules, several passes, the coda
// once, policies, heads.
#include "eval/refinement_run.h"

#include <cmath>

#include "eval/gates/policy_options.h"
#include "tests/eval/scorer_fixture.h"

namespace reprise {
namespace {

class RefinementRunTest : public ScorerTest {
 protected:
  static std::vector<uint8_t> scored_in(const Window& window, const UnitColumns& columns,
                                        const std::vector<uint8_t>& flags) {
    const auto first = columns.documents.first_token[static_cast<size_t>(window.document)] +
                       static_cast<uint64_t>(window.scored);
    const auto begin = flags.begin() + static_cast<ptrdiff_t>(first);
    return {begin, begin + window.first + window.length - window.scored};
  }

  /// A window with a context, up to each of its scored tokens alone, refined as the columns say:
  /// what led up to it as it was where that was scored, since refined tokens see each other.
  static void expect_what_is_read_alone(const UnitText& text, const UnitColumns& columns,
                                        const RefinementPlan& plan) {
    const at::NoGradGuard no_grad;
    const std::vector<Window> windows = unit_windows(text, kOptions);
    const auto window = std::ranges::find_if(windows, [](const Window& w) { return w.scored > 0; });
    ASSERT_NE(window, windows.end());
    const uint64_t document = columns.documents.first_token[static_cast<size_t>(window->document)];
    EXPECT_EQ(columns.documents.random, columns.documents.refined);
    int64_t refined = 0;
    for (int64_t input = window->scored; input < window->first + window->length; ++input) {
      std::vector<int64_t> tokens, depths;
      for (int64_t i = window->first; i <= input; ++i) {
        tokens.push_back(text.token(window->document, i));
        depths.push_back(columns.tokens.refined[document + static_cast<uint64_t>(i)]);
      }
      BasePasses state =
          network_->base_passes(at::tensor(tokens, at::kLong).unsqueeze(0), {.keys = true});
      for (int64_t pass = 1; pass <= plan.most_passes; ++pass) {
        const at::Tensor rows_M = (at::tensor(depths, at::kLong) >= pass).nonzero().squeeze(-1);
        state = network_->advance(state, network_->refine(state, rows_M, plan.how));
      }
      refined += depths.back() > 0;
      const at::Tensor features_BTD =
          plan.coda_once() ? network_->finish(state) : state.features_BTD;
      const double nats =
          network_
              ->cross_entropy(
                  features_BTD[0].slice(0, -1),
                  at::tensor({int64_t{text.token(window->document, input + 1)}}, at::kLong))
              .item<double>();
      EXPECT_NEAR(columns.tokens.nll_gated[document + static_cast<uint64_t>(input)], nats, 1e-4);
    }
    EXPECT_GT(refined, 2);
  }
};

TEST_F(RefinementRunTest, UnderEveryRuleAWindowReadAloneGivesTheSame) {
  const UnitText text = whole_split();
  for (const auto& [rule, name] : EnumNames<KeyRule>::names) {
    SCOPED_TRACE(name);
    SecondPass second = above(kMedianEntropy);
    second.plan.how.rule = rule;
    expect_what_is_read_alone(text, score(text, second, kOptions), second.plan);
  }
}

TEST_F(RefinementRunTest, SeveralPassesRunOverNestedRows) {
  const UnitText text = whole_split();
  for (const KeyRule rule : {KeyRule::kCoarse, KeyRule::kLatest, KeyRule::kSameDepth}) {
    SCOPED_TRACE(enum_name(rule));
    SecondPass second = above(kMedianEntropy);
    second.plan = {{.rule = rule}, 3};
    const UnitColumns columns = score(text, second, kOptions);
    expect_what_is_read_alone(text, columns, second.plan);
    const TokenColumns& t = columns.tokens;
    for (const uint8_t depth : {1, 2, 3}) EXPECT_GT(std::ranges::count(t.refined, depth), 2);
    for (size_t i = 0; i < t.token.size(); ++i) EXPECT_EQ(t.passes[i], 2 + t.refined[i]);
    EXPECT_NE(t.refined, t.random);
    for (const Window& window : unit_windows(text, kOptions)) {
      std::vector<uint8_t> by_gate = scored_in(window, columns, t.refined),
                           by_control = scored_in(window, columns, t.random);
      std::ranges::sort(by_gate), std::ranges::sort(by_control);
      EXPECT_EQ(by_gate, by_control) << "not as many of every depth";
    }
  }
}

TEST_F(RefinementRunTest, WhereTheCodaRunsOnceEveryReadoutSeesWhatIsRefined) {
  const UnitText text = whole_split();
  std::vector<float> residuals = score(text, above(kMedianEntropy), kOptions).tokens.residual;
  const auto median = residuals.begin() + std::ssize(residuals) / 2;
  std::ranges::nth_element(residuals, median);
  SecondPass second{make_gate(parse_gate("residual"), {*median})};
  for (const KeyRule rule : {KeyRule::kCoarse, KeyRule::kLatest}) {
    second.plan = {{.rule = rule, .coda = CodaRun::kOnce}, 1};
    const UnitColumns columns = score(text, second, kOptions);
    expect_what_is_read_alone(text, columns, second.plan);
    const TokenColumns& t = columns.tokens;
    int64_t moved = 0;
    for (size_t i = 0; i < t.token.size(); ++i)
      moved += !t.refined[i] && t.nll_gated[i] != t.nll_base[i];
    EXPECT_GT(moved, 10) << "positions that are not refined see those that are";
  }
}

TEST_F(RefinementRunTest, AGateThatLooksAtWhatIsNotKnownThenIsRefused) {
  const auto refused = [](const char* words, RefinementPlan plan) {
    const GateExpression gate = parse_gate(words);
    SecondPass second{make_gate(gate, std::vector<float>(gate.terms.size()))};
    second.plan = plan;
    EXPECT_THROW(Scorer(*network_, second), Error) << words;
  };
  refused("residual", {{}, 2});
  refused("entropy", {{.coda = CodaRun::kOnce}, 1});
  refused("residual", {{.coda = CodaRun::kOnce}, 2});
  refused("head", {});
}

/// Over windows and batches, as over the document at once.
TEST_F(RefinementRunTest, APolicyDecidesADocumentInItsOrder) {
  const UnitText text = whole_split();
  PolicyOptions options;
  options.burst = 4, options.refill = 0.2, options.segment = 3, options.cap = 40;
  const std::shared_ptr<const RefinementPolicy> policy = make_policy(options, 0);
  for (const UnitOptions windows : {UnitOptions{{64, 32}, 64}, UnitOptions{{64, 32}, 1 << 20}}) {
    SecondPass second = above(kMedianEntropy);
    second.policy = policy;
    const UnitColumns columns = score(text, second, windows);
    for (size_t d = 0; d < text.documents.size(); ++d) {
      const size_t first = columns.documents.first_token[d], count = columns.documents.tokens[d];
      std::vector<float> margins;
      for (size_t i = first; i < first + count; ++i)
        margins.push_back(columns.tokens.entropy_base[i] - static_cast<float>(kMedianEntropy));
      PolicyState state;
      const std::span<const uint8_t> refined =
          std::span(columns.tokens.refined).subspan(first, count);
      EXPECT_THAT(policy->decide(margins, state), testing::ElementsAreArray(refined));
    }
    EXPECT_GT(std::ranges::count(columns.tokens.refined, 1), 50);
  }
}

TEST_F(RefinementRunTest, TheHeadSeesTheReadoutAndItsSignals) {
  const HeadOptions options{.shape = GateShape::kLinear};
  const int64_t inputs = gate_inputs(options, network_->options().width);
  const GateHead head(options, inputs, 1);
  const at::NoGradGuard no_grad;
  head.list()[0].tensor.detach().copy_(at::linspace(-0.3, 1, inputs));
  SecondPass second{make_gate(parse_gate("head"), {0.5f})};
  second.head = std::make_shared<const StoredHead>(options, head);
  const ScoringBatch batch = make_batches(whole_split(), kOptions).front();
  const BatchScores scores = score_alone(Scorer(*network_, second), batch);
  const at::Tensor features_ND =
      readouts_at(network_->base_passes(batch.tokens_BT).features_BTD, batch.rows_N);
  const at::Tensor shares_NV = network_->logits(features_ND).softmax(-1);
  const at::Tensor first_two_N2 = std::get<0>(shares_NV.topk(2));
  const at::Tensor entropy_N = -(shares_NV * shares_NV.log()).sum(-1);
  const at::Tensor signals_NS =
      at::stack({entropy_N / std::log(shares_NV.size(1)),
                 first_two_N2.select(1, 0) - first_two_N2.select(1, 1), first_two_N2.select(1, 0)},
                -1);
  const at::Tensor expected_N = head.scores(at::cat({features_ND, signals_NS}, -1));
  const std::vector<float>& found = scores.signals.at(Signal::kHead);
  for (size_t n = 0; n < found.size(); ++n) {
    EXPECT_NEAR(found[n], expected_N[static_cast<int64_t>(n)].item<float>(), 1e-4);
    EXPECT_EQ(scores.refined[n], found[n] > 0.5f);
  }
  EXPECT_GT(std::ranges::count(scores.refined, 1), 2);
}

}  // namespace
}  // namespace reprise
