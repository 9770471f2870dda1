// The part of libtorch the project uses: tensors, operators, autograd. Not torch/torch.h, whose
// modules, optimisers and data loaders are not used and cost ten seconds a file.
#pragma once
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>
