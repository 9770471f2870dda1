// What a Network binds: weights in the arithmetic of its passes. Of network.cpp and its neighbours
// alone.
#pragma once

#include <ATen/OpMathType.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <optional>

#include "models/embedding.h"
#include "models/halting_head.h"
#include "models/network.h"
#include "models/pass_interface.h"

namespace reprise {

struct Network::Weights {
  Weights(const ModelOptions& model, const Parameters& all, at::ScalarType type, ProductLog* log)
      : options(model),
        parameters(all),
        compute(type),
        products(log),
        recorded(at::GradMode::is_enabled()),
        embedding(bind_embedding(parameters, model, "embedding", type)),
        layers(model, parameters, type),
        interface(model, parameters, type, log),
        rotary(ops::make_rotary_table(
            {model.context, model.head_width(), model.rope_share, model.rope_base},
            at::TensorOptions(embedding.table_VR.device()).dtype(at::toOpMathType(type)))) {
    if (model.halting != Halting::kNone) halting.emplace(parameters, type);
  }

  /// Bound when first used, as the layers are.
  const Embedding& head() {
    if (options.tied) return embedding;
    if (!untied_head) {
      const torch::autograd::AutoGradMode mode(recorded);
      untied_head = bind_embedding(parameters, options, "head", compute);
    }
    return *untied_head;
  }

  ModelOptions options;
  Parameters parameters;  ///< shares the tensors
  at::ScalarType compute;
  ProductLog* products;  ///< may be null
  bool recorded;         ///< casts, by autograd
  Embedding embedding;
  std::optional<Embedding> untied_head;
  LayerStack layers;
  PassInterface interface;
  std::optional<HaltingHead> halting;
  ops::RotaryTable rotary;
};

}  // namespace reprise
