// reprise pack with a gate's head.
#include "eval/calibrate.h"
#include "models/artifact/artifact.h"
#include "tests/artifact/packing/pack_fixture.h"
#include "train/gate/gate_file.h"
#include "train/gate/options.h"

namespace reprise {
namespace {
using nlohmann::json;
namespace fs = std::filesystem;

class PackHead : public PackCommand {
 protected:
  std::string corpus_digest() const { return Corpus(root_ / "corpus").digest(Split::kTrain); }

  /// As `reprise gate` leaves it, of the model in that folder.
  void write_head(const std::string& name, const std::string& model, int64_t after = 0,
                  const std::string& text = "") {
    if (test_comm().rank() == 0) {
      GateOptions options;
      options.observe.after = after;
      options.head.hidden = 4;
      OptionSet set("gate", "");
      set.add("gate", options);
      const int64_t inputs = gate_inputs(options.head, 32);
      const GateHead head(options.head, inputs, 1);
      const at::NoGradGuard no_grad;
      for (const Parameter& parameter : head.list())
        parameter.tensor.detach().copy_(
            at::linspace(-0.5, 1, parameter.tensor.numel()).view_as(parameter.tensor));
      const json trained = ModelFile(root_ / model).record();
      json of = trained.at("config").at("model");
      of["sha256"] = trained.at("model_sha256");
      make_folder(root_ / name);
      write_gate(
          root_ / name, head,
          {{"config", set.resolved()},
           {"inputs", inputs},
           {"identity",
            {{"model", of}, {"corpus", {{"train", text.empty() ? corpus_digest() : text}}}}}});
    }
    test_comm().barrier();
  }
};

TEST_F(PackHead, StoresAHeadAndSetsItsThreshold) {
  write_head("head", "recurrent");
  const fs::path path =
      pack(test_comm(), "recurrent", "headed", {"--pack.gate", (root_ / "head").string()});
  EXPECT_GE(fs::file_size(path), 40'000 - 40);
  EXPECT_LE(fs::file_size(path), 40'000);
  const Artifact artifact = load_artifact(path);
  EXPECT_EQ(artifact.gate.signal, "head");
  EXPECT_EQ(artifact.gate.head_reads, "both");
  EXPECT_NEAR(artifact.gate.fraction, 0.1, 0.01);
  const GateFile trained(root_ / "head");
  size_t found = 0;
  for (const HostTensor& tensor : artifact.tensors)
    for (const Parameter& parameter : trained.head().list())
      if (tensor.name == concat("gate.", parameter.name)) {
        ++found;
        const at::Tensor back = at::tensor(tensor.values).view(tensor.shape);
        EXPECT_TRUE(at::allclose(back, parameter.tensor.detach(), 1e-3, 1e-4)) << tensor.name;
      }
  EXPECT_EQ(found, 4u);
  const json ledger = json::parse(read_file(path.string() + ".ledger.json"));
  int64_t bytes = 0;
  for (const json& entry : ledger.at("entries"))
    if (entry.at("tensor") == "gate.hidden.weight") bytes += entry.at("bytes").get<int64_t>();
  EXPECT_GT(bytes, 4 * 35);  // in halves, before coding
  const json summary = json::parse(read_file(path.string() + ".pack.json"));
  EXPECT_EQ(summary.at("gate").at("gate_sha256"),
            to_hex(sha256_file(root_ / "head" / kGateWeights)));
  // The threshold is that of the scores the artifact's own head gives.
  const GateRule expected =
      calibrate_gate(artifact, Corpus(root_ / "corpus"), {0.1, {}, 1}, test_comm());
  EXPECT_EQ(artifact.gate.threshold, expected.threshold);
}

TEST_F(PackHead, RefusesAHeadThatIsNotOfThisModelOrPass) {
  write_head("of_static", "static");
  write_head("early", "recurrent", 1);
  write_head("right", "recurrent");
  const auto refused = [&](const std::string& model, const std::string& gate, const char* words,
                           std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--pack.gate", (root_ / gate).string()});
    try {
      pack(test_comm(), model, "refused", more);
      ADD_FAILURE() << "accepted: " << words;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
    EXPECT_FALSE(fs::exists(root_ / "refused"));
  };
  refused("recurrent", "of_static", "a head trained on another model");
  refused("recurrent", "early", "a head behind pass 1");
  write_head("elsewhere", "recurrent", 0, std::string(64, 'e'));
  refused("recurrent", "elsewhere", "a head trained on another text");
  refused("recurrent", "nowhere", "no finished gate head");
  refused("recurrent", "right", "there is no gate that reads it", {"--pack.refine-share", "0"});
  refused("static", "of_static", "there is no gate that reads it");
}

}  // namespace
}  // namespace reprise
