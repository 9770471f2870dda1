// The kernels of one instruction set, for the files that define them and for its table.
#pragma once

#include "models/ops/kernels/arithmetic.h"
#include "models/ops/kernels/kernels.h"

namespace reprise::ops::REPRISE_ISA {

template <class T>
void norm(const NormKernel<T>&, Rows);
template <class T>
void norm_backward(const NormBackwardKernel<T>&, Rows);
template <class T>
void blend(const BlendKernel<T>&, Rows);
template <class T>
void blend_backward(const BlendBackwardKernel<T>&, Rows);
template <class T>
void heads(const HeadsKernel<T>&, Rows);
template <class T>
void heads_backward(const HeadsBackwardKernel<T>&, Rows);
template <class T>
void squared_relu(const SquaredReluKernel<T>&, Rows);
template <class T>
void squared_relu_backward(const SquaredReluBackwardKernel<T>&, Rows);
template <class T>
void head_loss(const HeadLossKernel<T>&, Rows);
template <class T>
void head_loss_backward(const HeadLossBackwardKernel<T>&, Rows);

template <class T>
const Kernels<T>& table();

}  // namespace reprise::ops::REPRISE_ISA
