// The cost model's memory of a training step against what libtorch's allocator held. The ratios are
// recorded: --gtest_output=xml shows them.
#include "models/cost/memory.h"

#include <gtest/gtest.h>

#include "models/live_bytes.h"
#include "tests/models/cost/wider.h"

namespace reprise {
namespace {

struct Measured {
  int64_t kept_bytes = 0, peak_bytes = 0;
};

at::Tensor rows_of_share(const MemoryCase& c) {
  const int64_t rows = c.sequences * c.length;
  const auto count = std::llround(c.refine_share * static_cast<double>(rows));
  return at::floor_divide(at::arange(count, at::kLong) * rows, count);
}

/// A training step: gradients are there before it, as train/gradients.h has them.
Measured measure(const ModelOptions& options, const MemoryCase& c) {
  const Parameters parameters(options, 1);
  for (const Parameter& parameter : parameters.list())
    at::Tensor(parameter.tensor).mutable_grad() = at::zeros_like(parameter.tensor);
  const at::Tensor tokens = test::some_tokens(options, c.sequences, c.length);
  const at::Tensor rows_M = c.refine_share > 0 ? rows_of_share(c) : at::Tensor();
  const LiveBytes live;
  const Network network(options, parameters, c.compute);
  const BasePasses base = network.base_passes(
      tokens, {.keys = rows_M.defined(), .all_passes = !c.readouts.empty(), .routers = true},
      c.run);
  at::Tensor loss = network.cross_entropy(base.features_BTD, tokens).sum();
  if (rows_M.defined())
    loss = loss + network
                      .cross_entropy(network.refine_rows(base, rows_M),
                                     tokens.flatten().index_select(0, rows_M))
                      .sum();
  for (const int64_t pass : c.readouts)
    loss = loss + network.cross_entropy(network.readout(base, pass), tokens).sum();
  // Every objective of a model that halts reads its scores.
  if (base.halt_scores_QM.defined()) loss = loss + base.halt_scores_QM.sum();
  const int64_t kept = live.now();
  loss.backward();
  return {kept, live.peak()};
}

class MeasuredMemory : public testing::TestWithParam<test::Variant> {
 protected:
  void expect_measured(const ModelOptions& options, const MemoryCase& c, const std::string& what) {
    SCOPED_TRACE(what);
    const StepMemory predicted = step_memory(options, c);
    const Measured measured = measure(options, c);
    const auto kept = static_cast<double>(measured.kept_bytes),
               peak = static_cast<double>(measured.peak_bytes);
    EXPECT_NEAR(predicted.kept_bytes, kept, 0.01 * kept) << "kept for backward";
    // A bf16 product takes some 0.1 to 0.9 MB of scratch from oneDNN, by machine and shape.
    const double tolerance = c.compute == at::kFloat ? 0.02 : 0.1;
    EXPECT_NEAR(predicted.peak_bytes, peak, tolerance * peak) << "peak";
    RecordProperty(what + "_kept", concat(predicted.kept_bytes / kept));
    RecordProperty(what + "_peak", concat(predicted.peak_bytes / peak));
  }
};

std::string name_of(int64_t width, at::ScalarType compute, const char* what) {
  return concat(what, "_", width, compute == at::kFloat ? "_fp32" : "_bf16");
}

TEST_P(MeasuredMemory, OfATrainingStep) {
  constexpr int64_t kNarrow = 64, kWide = 160;
  for (const int64_t width : {kNarrow, kWide})
    for (const at::ScalarType compute : {at::kFloat, at::kBFloat16}) {
      const ModelOptions options = test::wider(GetParam().options, {width, 512, 256});
      MemoryCase c{.sequences = 4, .length = options.context, .compute = compute};
      expect_measured(options, c, name_of(width, compute, "full"));
      c.refine_share = 0.25;
      if (width == kNarrow) expect_measured(options, c, name_of(width, compute, "refined"));
      if (!loops(options.family)) continue;
      c.refine_share = 0;
      c.run = {.passes = 6, .graph_passes = 2};
      if (test::truncates(options))
        expect_measured(options, c, name_of(width, compute, "truncated"));
      if (width != kNarrow) continue;
      c.run = {.passes = 4}, c.readouts = {1, 2};
      expect_measured(options, c, name_of(width, compute, "supervised"));
      c.run = {.passes = 6, .graph_passes = 3}, c.readouts = {3, 4};
      if (test::truncates(options))
        expect_measured(options, c, name_of(width, compute, "truncated_supervised"));
    }
}

/// Where the gradients of all passes' states, which wait together, or what the passes hand to the
/// coda weigh most.
std::vector<test::Variant> halting_variants() {
  std::vector<test::Variant> variants;
  for (const Halting halting : {Halting::kMixture, Halting::kExit}) {
    ModelOptions options = test::tiny_recurrent();
    options.halting = halting, options.passes = 8;
    options.coda = 0;
    variants.push_back({concat(enum_name(halting), "_without_a_coda"), options});
    options.skips = true, options.prelude = 0, options.core = 2, options.coda = 2;
    variants.push_back({concat(enum_name(halting), "_skips_from_core_to_coda"), options});
  }
  return variants;
}

TEST(StepMemory, IsNotSaidOfAStepThatTheNetworkRefuses) {
  const ModelOptions options = halting_variants().front().options;
  const MemoryCase c{.run = {.passes = 4, .graph_passes = 1}};
  EXPECT_THROW(step_memory(options, c), Error);
}

TEST(KvBytes, AreTheKeysAndValuesOfEveryLayerEachTimeItRuns) {
  for (const test::Variant& variant : test::variants()) {
    const ModelOptions& options = variant.options;
    const Network network(options, test::lively_parameters(options, at::kFloat), at::kFloat);
    const BasePasses base =
        network.base_passes(test::some_tokens(options, 1, options.context), {.keys = true});
    const ops::KeyRows& one = base.core_keys.at(0);
    const auto of_layer = static_cast<int64_t>(one.keys_NGE.nbytes() + one.values_NGE.nbytes());
    const int64_t codas = options.readout == Readout::kSum ? options.passes : 1;
    const int64_t layers = options.prelude + options.core * options.passes + options.coda * codas;
    EXPECT_EQ(kv_bytes_per_token(options, at::kFloat) * options.context, layers * of_layer)
        << variant.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, MeasuredMemory, testing::ValuesIn(test::variants()),
                         test::variant_name);

INSTANTIATE_TEST_SUITE_P(Halting, MeasuredMemory, testing::ValuesIn(halting_variants()),
                         test::variant_name);

}  // namespace
}  // namespace reprise
