#include "models/options.h"

#include <gmock/gmock.h>

#include "models/pass_plan.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

using testing::HasSubstr;

/// What validate() says about the defaults after `change`; "" where it accepts them.
template <class Change>
std::string complaint(Change change) {
  ModelOptions options;
  change(options);
  try {
    validate(options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

TEST(ModelOptions, AcceptTheirDefaults) {
  EXPECT_EQ(complaint([](ModelOptions&) {}), "");
}

TEST(ModelOptions, NameTheValueThatIsWrong) {
  EXPECT_THAT(complaint([](ModelOptions& o) { o.heads = 3; }), HasSubstr("model.heads (3)"));
  EXPECT_THAT(complaint([](ModelOptions& o) {
                o.heads = 256;
                o.kv_heads = 256;
              }),
              HasSubstr("must be even"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.kv_heads = 3; }), HasSubstr("model.kv-heads (3)"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.kv_heads = 0; }), HasSubstr("kv-heads is 0"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.vocab = 1; }), HasSubstr("vocab is 1"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.core = 0; }), HasSubstr("core is 0"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.coda = -1; }), HasSubstr("coda is -1"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.context = 0; }), HasSubstr("context is 0"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.rope_share = 1.5; }),
              HasSubstr("rope-share is 1.5"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.rope_base = 1; }), HasSubstr("rope-base is 1"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.softcap = 0; }), HasSubstr("softcap is 0"));
  const auto of_static = [](auto change) {
    return complaint([&](ModelOptions& o) {
      o.family = Family::kStatic;
      o.passes = 1;
      change(o);
    });
  };
  EXPECT_THAT(
      of_static([](ModelOptions& o) { o.reinjection = Reinjection::kMix; }),
      HasSubstr("model.reinjection belongs to the passes of the recurrent, relaxed and moe"));
  EXPECT_THAT(of_static([](ModelOptions& o) { o.pass_embedding = true; }),
              HasSubstr("model.pass-embedding"));
  EXPECT_THAT(of_static([](ModelOptions& o) { o.film = true; }), HasSubstr("model.film"));
  EXPECT_THAT(of_static([](ModelOptions& o) { o.lora_rank = 1; }), HasSubstr("model.lora-rank"));
  EXPECT_EQ(of_static([](ModelOptions& o) { o.norm = NormPlacement::kPeri; }), "");
  EXPECT_THAT(complaint([](ModelOptions& o) { o.lora_rank = 257; }),
              HasSubstr("model.lora-rank is 257; it must be from 0 to 256"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.embedding_rank = o.width; }),
              HasSubstr("embedding-rank is 256; it must be from 0 to 255"));
  EXPECT_THAT(complaint([](ModelOptions& o) {
                o.skips = true;
                o.prelude = o.coda = 0;
                o.core = 1;
              }),
              HasSubstr("model.skips"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.family = Family::kStatic; }),
              HasSubstr("passes is 2"));
}

TEST(ModelOptions, RefuseWhatTheFamilyCannotTake) {
  const auto of = [](ModelOptions options, auto change) {
    return complaint([&](ModelOptions& o) {
      change(options);
      o = options;
    });
  };
  const ModelOptions fixed = test::tiny_static(), looped = test::tiny_recurrent(),
                     moe = test::tiny_moe_attention(), partial = test::tiny_partial(),
                     relaxed = test::tiny_relaxed();
  EXPECT_EQ(of(moe, [](ModelOptions&) {}), "");
  EXPECT_EQ(of(moe, [](ModelOptions& o) { o.film = o.pass_mixing = true; }), "");
  EXPECT_THAT(of(fixed, [](ModelOptions& o) { o.pass_mixing = true; }),
              HasSubstr("model.pass-mixing belongs to the passes of"));
  EXPECT_THAT(of(partial, [](ModelOptions& o) { o.film = true; }),
              HasSubstr("model.film belongs to the passes of the recurrent, relaxed and moe "
                        "families; model.family is partial"));
  EXPECT_THAT(of(moe, [](ModelOptions& o) { o.lora_rank = 1; }),
              HasSubstr("model.lora-rank belongs to the recurrent and relaxed families"));
  EXPECT_THAT(of(relaxed, [](ModelOptions& o) { o.lora_rank = 0; }),
              HasSubstr("model.lora-rank is 0; it must be from 1 to 8"));
  EXPECT_THAT(of(relaxed, [](ModelOptions& o) { o.lora_rank = 9; }),
              HasSubstr("model.lora-rank is 9; it must be from 1 to 8"));
  EXPECT_THAT(of(looped, [](ModelOptions& o) { o.experts.count = 4; }),
              HasSubstr("model.experts belongs to the moe family; model.family is recurrent"));
  EXPECT_THAT(of(looped, [](ModelOptions& o) { o.experts.top_k = 1; }), HasSubstr("model.top-k"));
  EXPECT_THAT(of(looped, [](ModelOptions& o) { o.experts.width = 8; }),
              HasSubstr("model.expert-width belongs"));
  EXPECT_THAT(of(looped, [](ModelOptions& o) { o.experts.attention_count = 2; }),
              HasSubstr("model.attention-experts belongs"));
  EXPECT_THAT(of(moe, [](ModelOptions& o) { o.experts.top_k = 4; }),
              HasSubstr("model.top-k is 4; it must be from 1 to 3"));
  EXPECT_THAT(of(moe, [](ModelOptions& o) { o.experts.count = 0; }),
              HasSubstr("model.experts is 0"));
  EXPECT_THAT(of(moe, [](ModelOptions& o) { o.experts.width = 12; }),
              HasSubstr("model.expert-width is 12; it must be a multiple of 8"));
  EXPECT_THAT(of(moe, [](ModelOptions& o) { o.experts.attention_top_k = 4; }),
              HasSubstr("model.attention-top-k is 4; it must be from 1 to 3"));
  EXPECT_THAT(of(moe, [](ModelOptions& o) { o.experts.attention_count = 0; }),
              HasSubstr("model.attention-top-k is 1; it must be from 0 to 0"));
  EXPECT_THAT(of(fixed, [](ModelOptions& o) { o.basis_rank = 4; }),
              HasSubstr("model.basis-rank belongs to the partial family"));
  EXPECT_THAT(of(partial, [](ModelOptions& o) { o.basis_rank = 9; }),
              HasSubstr("model.basis-rank is 9; it must be from 1 to 8"));
  EXPECT_THAT(of(partial, [](ModelOptions& o) { o.basis_terms = 5; }),
              HasSubstr("model.basis-terms is 5; it must be from 1 to 4"));
  EXPECT_THAT(of(partial, [](ModelOptions& o) { o.passes = 2; }),
              HasSubstr("model.passes is 2 with model.family partial, whose layers run once"));
}

TEST(ModelOptions, HaltWhereAPassIsLeftToDecide) {
  const auto halting = [](auto change) {
    return complaint([&](ModelOptions& o) {
      o.halting = Halting::kExit;
      change(o);
    });
  };
  EXPECT_EQ(halting([](ModelOptions&) {}), "");
  EXPECT_THAT(halting([](ModelOptions& o) { o.halt_floor = 2; }),
              HasSubstr("has nothing to decide: model.halt-floor is 2"));
  EXPECT_THAT(halting([](ModelOptions& o) { o.passes = 1; }), HasSubstr("has nothing to decide"));
  EXPECT_THAT(halting([](ModelOptions& o) { o.halt_floor = 0; }), HasSubstr("halt-floor is 0"));
  for (const double threshold : {0.0, 1.0})
    EXPECT_THAT(halting([&](ModelOptions& o) { o.halt_threshold = threshold; }),
                HasSubstr("model.halt-threshold is"));
  EXPECT_THAT(halting([](ModelOptions& o) { o.readout = Readout::kSum; }),
              HasSubstr("model.readout sum a sum over all"));
  EXPECT_THAT(halting([](ModelOptions& o) {
                o.family = Family::kStatic;
                o.passes = 1;
              }),
              HasSubstr("model.halting belongs to the passes"));
}

TEST(ModelOptions, RefuseASizeNoMachineHolds) {
  EXPECT_THAT(complaint([](ModelOptions& o) { o.prelude = 9'000'000'000; }),
              HasSubstr("model.prelude is 9000000000; it must be from 0 to 1024"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.mlp_ratio = 100'000'000'000; }),
              HasSubstr("mlp-ratio is 100000000000"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.context = int64_t{1} << 40; }),
              HasSubstr("context is"));
  EXPECT_THAT(complaint([](ModelOptions& o) { o.prelude = o.coda = 1000; }),
              HasSubstr("together 2002 layers"));
  EXPECT_THAT(complaint([](ModelOptions& o) {
                o.width = 1 << 16;
                o.mlp_ratio = 1024;
                o.prelude = 1000;
              }),
              HasSubstr("weights; at most 2147483648"));
}

TEST(ModelOptions, RefuseManyPassesOfTheirOwnWithoutNamingEach) {
  EXPECT_THAT(complaint([](ModelOptions& o) {
                o.core = 1022;
                o.passes = 1024;
                o.width = o.lora_rank = 1 << 16;
                o.mlp_ratio = 1024;
              }),
              HasSubstr("weights; at most 2147483648"));
}

TEST(ModelOptions, KeepTheSoftcapWhereFloatsHoldTheLogits) {
  for (const double softcap : {1e-300, 1e-4, 1e7, 1e300})
    EXPECT_THAT(complaint([&](ModelOptions& o) { o.softcap = softcap; }), HasSubstr("softcap is"))
        << softcap;
}

TEST(PassPlan, RunsTheSameCoreAtEveryPass) {
  ModelOptions options;
  options.prelude = 2;
  options.core = 3;
  options.coda = 1;
  options.passes = 4;
  const PassPlan plan = make_pass_plan(options);
  EXPECT_EQ(plan.prelude.count, 2);
  ASSERT_EQ(plan.passes.size(), 4u);
  for (int64_t pass = 0; pass < 4; ++pass) {
    const CorePass& planned = plan.passes[static_cast<size_t>(pass)];
    EXPECT_EQ(planned.layers.first, 2);
    EXPECT_EQ(planned.layers.count, 3);
    EXPECT_EQ(planned.own, pass);
  }
  EXPECT_EQ(plan.coda.first, 5);
  EXPECT_EQ(plan.coda.count, 1);
  EXPECT_EQ(plan.refinement.layers.first, 2);
  EXPECT_EQ(plan.refinement.layers.count, 3);
  EXPECT_EQ(plan.refinement.own, 3) << "nothing is stored for the refinement pass alone";
}

TEST(PassPlan, NamingALayerThatIsNotThereIsRefused) {
  const PassPlan whole = make_pass_plan(test::tiny_recurrent());
  EXPECT_NO_THROW(validate(whole));
  const auto complaint_of = [&](auto change) {
    PassPlan plan = whole;
    change(plan);
    try {
      validate(plan);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(complaint_of([](PassPlan& p) {
                p.passes[1].layers = {2, 2};
              }),
              HasSubstr("the pass plan's pass 2 runs layers 2 to 3 of a model of 3"));
  EXPECT_THAT(complaint_of([](PassPlan& p) { p.coda.first = 3; }), HasSubstr("coda runs layers 3"));
  EXPECT_THAT(complaint_of([](PassPlan& p) { p.refinement.layers.first = -1; }),
              HasSubstr("refinement pass runs layers -1"));
  EXPECT_THAT(complaint_of([](PassPlan& p) { p.passes.clear(); }), HasSubstr("has no pass"));
}

TEST(PassPlan, OfAStaticModelRunsEveryLayerOnce) {
  ModelOptions options;
  options.family = Family::kStatic;
  options.passes = 1;
  EXPECT_EQ(make_pass_plan(options).passes.size(), 1u);
  options.passes = 2;
  EXPECT_THROW(make_pass_plan(options), Error);
}

}  // namespace
}  // namespace reprise
