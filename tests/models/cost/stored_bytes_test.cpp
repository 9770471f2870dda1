// Stored bytes as estimated before there are weights, against what the packer makes of weights like
// trained ones, for every kind of model.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/artifact/artifact.h"
#include "models/artifact/ledger.h"
#include "models/artifact/packing/estimate.h"
#include "models/artifact/packing/packer.h"
#include "models/cost/model_cost.h"
#include "tests/models/cost/wider.h"

namespace reprise {
namespace {

/// Rows of different spread, one weight in 500 eight times larger; vectors near their start.
HostTensor like_trained(const Parameter& parameter, uint32_t stream) {
  const at::Tensor start = parameter.tensor.detach();
  HostTensor tensor{parameter.name, start.sizes().vec(), {}};
  const RandomStream random(7, Purpose::kTest, stream);
  const int64_t columns = start.size(-1);
  for (int64_t i = 0; i < start.numel(); ++i) {
    const double outlier = i % 500 == 499 ? 8 : 1;
    const double spread =
        0.04 *
        std::exp(0.3 * random.normal((uint64_t{1} << 32) + static_cast<uint64_t>(i / columns)));
    tensor.values.push_back(
        static_cast<float>((parameter.role == Role::kScalar ? start.view(-1)[i].item<float>() : 0) +
                           spread * outlier * random.normal(static_cast<uint64_t>(i))));
  }
  return tensor;
}

UnpackedModel like_trained(const ModelOptions& options) {
  ModelOptions named = options;
  UnpackedModel model;
  model.model = OptionSet("pack", "").add("model", named).resolved()["model"];
  model.tokenizer = std::string(64, 'a');
  const Parameters parameters(options, 3);
  uint32_t stream = 0;
  for (const Parameter& parameter : parameters.list())
    model.tensors.push_back(like_trained(parameter, stream++));
  return model;
}

int64_t fixed_bytes(const Ledger& ledger) {
  int64_t bytes = 0;
  for (const LedgerEntry& entry : ledger.entries())
    if (entry.cause == Cause::kHeader || entry.cause == Cause::kGate ||
        entry.cause == Cause::kFraming || entry.cause == Cause::kDirectory)
      bytes += entry.bytes;
  return bytes;
}

double bits_per_code(const Ledger& ledger) {
  double bytes = 0, elements = 0;
  for (const LedgerEntry& entry : ledger.entries()) {
    if (entry.cause != Cause::kCodes) continue;
    bytes += static_cast<double>(entry.bytes);
    elements += static_cast<double>(entry.elements);
  }
  return 8 * bytes / elements;
}

class StoredBytes : public testing::TestWithParam<test::Variant> {};

/// What the estimate of a size leaves to the codes is what the packer finds for them in it.
TEST_P(StoredBytes, LeaveThePackerTheBitsTheyCountWith) {
  const ModelOptions options = test::wider(GetParam().options, {80, 256, 256});
  const CostCase c{.code_bits = 5, .code_bytes = 100, .step = {.length = options.context}};
  PackOptions pack_options;
  pack_options.sensitivity = Sensitivity::kRelative;
  pack_options.quantiser.rounding = Rounding::kNearest;
  pack_options.bytes = stored_bytes_of(options, c), pack_options.code_bytes = c.code_bytes;
  const std::string file = pack(like_trained(options), pack_options).file;
  const Ledger ledger(parse_artifact(file, "packed"), c.code_bytes);
  EXPECT_EQ(cost_of(options, c).fixed_bytes, fixed_bytes(ledger));
  const double bits = bits_per_code(ledger);
  EXPECT_NEAR(bits, c.code_bits, 0.02 * c.code_bits);
  const auto predicted = static_cast<double>(
      stored_bytes_of(options, {.code_bits = bits, .code_bytes = c.code_bytes}));
  const auto counted = static_cast<double>(ledger.counted_bytes());
  EXPECT_NEAR(predicted, counted, 0.02 * counted);
  RecordProperty("bits", concat(bits / c.code_bits));
  RecordProperty("bytes", concat(predicted / counted));
}

TEST_P(StoredBytes, AndParametersAddUpOverTheGroups) {
  const ModelOptions options = test::wider(GetParam().options, {96, 512, 256});
  const CostCase c{.step = {.sequences = 1, .length = options.context}};
  const ModelCost cost = cost_of(options, c);
  int64_t parameters = 0;
  double bytes = static_cast<double>(cost.fixed_bytes);
  for (const GroupCost& group : cost.groups) {
    parameters += group.parameters;
    bytes += group.stored_bytes;
  }
  EXPECT_EQ(cost.parameters, element_count(options));
  EXPECT_EQ(parameters, cost.parameters);
  EXPECT_NEAR(bytes, static_cast<double>(cost.stored_bytes), 1);
}

INSTANTIATE_TEST_SUITE_P(Models, StoredBytes, testing::ValuesIn(test::variants()),
                         test::variant_name);

TEST(ParameterGroups, AreToldByNameAndPlace) {
  ModelOptions model = test::tiny_recurrent();
  model.prelude = 2, model.core = 9, model.tied = false, model.lora_rank = 2;
  const auto group = [&](const char* name) { return enum_name(group_of(model, name)); };
  EXPECT_EQ(group("embedding.projection"), "embedding");
  EXPECT_EQ(group("head"), "head");
  EXPECT_EQ(group("layer.1.mlp.up"), "prelude");
  EXPECT_EQ(group("layer.2.mlp.up"), "core");
  EXPECT_EQ(group("layer.10.mix"), "core");
  EXPECT_EQ(group("layer.11.mix"), "coda");
  EXPECT_EQ(group("layer.2.mlp.up.lora.1.down"), "adapters");
  EXPECT_EQ(group("layer.2.pass.0.mix"), "adapters");
  EXPECT_EQ(group("layer.2.mlp.router"), "routers");
  EXPECT_EQ(group("layer.2.mlp.up.expert.7"), "core");
  EXPECT_EQ(group("layer.0.mlp.up.terms"), "prelude");
  EXPECT_EQ(group("basis"), "basis");
  EXPECT_EQ(group("reinjection.mix"), "interfaces");
  EXPECT_EQ(group("pass.scale"), "interfaces");
  EXPECT_EQ(group("skips"), "interfaces");
}

}  // namespace
}  // namespace reprise
