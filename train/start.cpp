#include "train/start.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <map>
#include <nlohmann/json.hpp>

#include "models/pass_plan.h"
#include "train/buffer_of.h"
#include "train/model_weights.h"

namespace reprise {
namespace {

using nlohmann::json;
using Weights = std::map<std::string, at::Tensor, std::less<>>;

/// Options that say how weights are laid out over layers and passes or what stands between passes,
/// not what a layer computes.
constexpr std::array kLayout{"family",         "prelude",        "core",        "coda",
                             "passes",         "lora-rank",      "context",     "reinjection",
                             "pass-embedding", "film",           "pass-mixing", "readout",
                             "halting",        "halt-threshold", "halt-floor"};

json resolved(ModelOptions options) {
  return OptionSet("", "").add("model", options).resolved()["model"];
}

/// The first option that differs and is not among `free`; "" where there is none.
std::string first_difference(const json& a, const json& b, std::span<const char* const> free) {
  for (const auto& [key, value] : a.items())
    if (std::ranges::find(free, key) == free.end() && value != b[key]) return key;
  return "";
}

bool same_shape(const ModelOptions& a, const ModelOptions& b) {
  constexpr std::array kFree{"context"};
  return first_difference(resolved(a), resolved(b), kFree).empty();
}

int64_t unshared_layers(const ModelOptions& model) {
  return model.prelude + model.core * model.passes + model.coda;
}

/// The layers of the unshared model that one of this model stands for, one for each pass that runs
/// it.
std::vector<int64_t> sources_of(const ModelOptions& model, int64_t layer) {
  if (layer < model.prelude) return {layer};
  const int64_t in_core = layer - model.prelude;
  if (in_core >= model.core) return {layer + model.core * (model.passes - 1)};
  std::vector<int64_t> sources;
  for (int64_t pass = 0; pass < model.passes; ++pass)
    sources.push_back(model.prelude + pass * model.core + in_core);
  return sources;
}

Weights read_weights(const ModelFile& file) {
  Weights weights;
  for (const ArrayView& array : file.arrays()) {
    const auto values = float_values(array);
    weights[array.name] = at::tensor(at::ArrayRef<float>(values), at::kDouble).view(array.shape);
  }
  return weights;
}

/// "mlp.up" of "layer.3.mlp.up".
std::string_view name_in_layer(std::string_view name) {
  name.remove_prefix(name.find('.') + 1);
  return name.substr(name.find('.') + 1);
}

class UnsharedStart {
 public:
  UnsharedStart(const Weights& weights, const ModelOptions& model, Parameters& parameters)
      : weights_(weights), model_(model), plans_(plan_layers(model)), parameters_(parameters) {}

  void run() {
    for (int64_t layer = 0; layer < model_.layers(); ++layer) set_layer(layer);
    for (const auto& [name, values] : weights_)
      if (!name.starts_with("layer.")) parameters_.assign(name, values);
  }

 private:
  /// Every weight of the layer, which is named as in the first layer it stands for.
  void set_layer(int64_t layer) {
    const auto sources = sources_of(model_, layer);
    const std::string prefix = concat("layer.", sources[0], ".");
    for (auto at = weights_.lower_bound(prefix); at != weights_.end(); ++at) {
      if (!at->first.starts_with(prefix)) break;
      std::vector<at::Tensor> values;
      for (const int64_t source : sources)
        values.push_back(weights_.at(concat("layer.", source, ".", name_in_layer(at->first))));
      set_weight(layer, std::string(name_in_layer(at->first)), values);
    }
  }

  void set_weight(int64_t layer, const std::string& name, const std::vector<at::Tensor>& values) {
    const LayerPlan& plan = plans_[static_cast<size_t>(layer)];
    const bool is_matrix = values[0].dim() == 2 && name != "mix";
    if (plan.own_scalars && !is_matrix) {
      for (size_t pass = 0; pass < values.size(); ++pass)
        parameters_.assign(own_scalar_name(layer, static_cast<int64_t>(pass), name), values[pass]);
      return;
    }
    const std::string shared = concat("layer.", layer, ".", name);
    const at::Tensor mean = at::stack(values).mean(0);
    parameters_.assign(shared, mean);
    for (size_t pass = 0; is_matrix && plan.change_rank > 0 && pass < values.size(); ++pass) {
      const std::string change = change_name(shared, static_cast<int64_t>(pass));
      const LowRank left = low_rank(values[pass] - mean, plan.change_rank);
      parameters_.assign(change + ".up", left.up_RK);
      parameters_.assign(change + ".down", left.down_KC);
    }
  }

  const Weights& weights_;
  const ModelOptions& model_;
  std::vector<LayerPlan> plans_;
  Parameters& parameters_;
};

}  // namespace

LowRank low_rank(const at::Tensor& matrix_RC, int64_t rank) {
  const auto [left_RM, sizes_M, right_MC] =
      at::linalg_svd(matrix_RC.to(at::kDouble), /*full_matrices=*/false);
  const int64_t kept = std::min(rank, sizes_M.size(0));
  // Each factor takes the root of the singular values, so that both are of one size.
  const at::Tensor root_K = sizes_M.narrow(0, 0, kept).sqrt();
  return {left_RM.narrow(1, 0, kept) * root_K, root_K.unsqueeze(-1) * right_MC.narrow(0, 0, kept)};
}

void require_start(const ModelOptions& model, const ModelOptions& given) {
  if (same_shape(model, given)) return;
  const auto refuse_unless = [](bool holds, const auto&... words) {
    require(holds, ExitCode::kUsage, "train.start-from: ", words...);
  };
  refuse_unless(given.family == Family::kStatic &&
                    (model.family == Family::kRecurrent || model.family == Family::kRelaxed),
                "a ", enum_name(given.family),
                " model gives its weights to one of the same shape, and a "
                "static one to a recurrent or relaxed one; model.family is ",
                enum_name(model.family));
  refuse_unless(!model.skips && !given.skips,
                "model.skips joins layers by their place, which the passes do not keep");
  const json ours = resolved(model), theirs = resolved(given);
  const std::string name = first_difference(ours, theirs, kLayout);
  if (!name.empty())
    fail(ExitCode::kUsage, "train.start-from: model.", name, " is ", ours[name].dump(), ", but ",
         theirs[name].dump(), " in the model to start from");
  refuse_unless(unshared_layers(model) == given.layers(), "the model to start from has ",
                given.layers(), " layers; this one stands for ", unshared_layers(model),
                " (model.prelude + model.core x model.passes + model.coda)");
}

void start_from(const ModelFile& file, const ModelOptions& model, Parameters& parameters) {
  const torch::autograd::AutoGradMode no_graph(false);
  require_start(model, file.options());
  if (same_shape(model, file.options())) return assign_weights(file, parameters);
  UnsharedStart(read_weights(file), model, parameters).run();
}

void start_from(const ModelFile& file, const ModelOptions& model, Parameters& parameters,
                Communicator& comm) {
  if (comm.rank() == 0) start_from(file, model, parameters);
  for (const Parameter& parameter : parameters.list()) {
    const at::Tensor on_host = parameter.tensor.detach().cpu().contiguous();
    comm.broadcast(buffer_of(on_host), 0);
    if (comm.rank() != 0) parameters.assign(parameter.name, on_host);
  }
}

}  // namespace reprise
