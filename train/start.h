// Weights a run begins with, from a model that is trained: its own, where it has the same shape;
// or, for a looped model, those of an unshared one that has a layer for each pass over each layer
// of its core. Then a shared matrix is the mean of the layers it stands for, and in the relaxed
// family each pass's own change is what is left, cut to its rank: Bae et al., "Relaxed Recursive
// Transformers", arXiv:2410.20672, section 2.3. What is a pass's own otherwise (scalars) is its
// layer's. What the other model has not (reinjection, pass embedding, halting, ...) stays as drawn.
#pragma once

#include <ATen/core/Tensor.h>

#include "base/comm/communicator.h"
#include "models/parameters.h"
#include "train/model_file.h"

namespace reprise {

/// The best approximation of a matrix by up down in least squares: its singular value
/// decomposition, cut. Computed in fp64.
struct LowRank {
  at::Tensor up_RK, down_KC;
};
LowRank low_rank(const at::Tensor& matrix_RC, int64_t rank);

/// Throws kUsage, naming the option that differs, where `model` cannot begin with the weights of a
/// model of shape `given`.
void require_start(const ModelOptions& model, const ModelOptions& given);

/// Sets `parameters`, of a model of shape `model`, from the weights in `file`.
void start_from(const ModelFile& file, const ModelOptions& model, Parameters& parameters);

/// The same on every rank: rank 0 computes, so that all begin with the same bits. Collective.
void start_from(const ModelFile& file, const ModelOptions& model, Parameters& parameters,
                Communicator& comm);

}  // namespace reprise
