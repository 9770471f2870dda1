// How evenly the routers of a mixture of experts spread the tokens: a term that keeps experts from
// being given up, and counters that show it.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "train/objectives/primary.h"
#include "train/objectives/terms.h"

namespace reprise {

/// sum_b T (log X + sum_x p_bx log p_bx), in nats: how far the mean choice p_b of each sequence's T
/// tokens, the mean of softmax(logits), is from taking all X experts alike; 0 where it does. Mean
/// over the router's sets. The entropy regularisation of Csordas et al., "MoEUT", arXiv:2405.16039,
/// section 2.1, by sequence, so that it does not depend on how a batch is split. logits_MSX in
/// sequences of M / `sequences` rows.
at::Tensor choice_imbalance(const at::Tensor& logits_MSX, int64_t sequences);

/// The same as a term, mean over the routers of the passes that carry a graph.
std::unique_ptr<Term> make_balance(double weight);

/// "load.<layer>.<place>.<expert>" for every expert of the model, in the order of load_parts().
std::vector<std::string> load_names(const ModelOptions& model);
/// Of each, how often it was chosen over all that were, in all base passes: the counters are
/// choices, not nats.
std::vector<LossPart> load_parts(const ModelOptions& model, const RouterLog& routers);

}  // namespace reprise
