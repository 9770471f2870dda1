// The kernels of one instruction set, for the files that define them and for its table.
#pragma once

#include "models/ops/kernels/arithmetic.h"
#include "models/ops/kernels/kernels.h"

namespace reprise::ops::REPRISE_ISA {

template <class T>
void norm(NormKernel<T>, Rows);
template <class T>
void norm_backward(NormBackwardKernel<T>, Rows);
template <class T>
void blend(BlendKernel<T>, Rows);
template <class T>
void blend_backward(BlendBackwardKernel<T>, Rows);
template <class T>
void heads(HeadsKernel<T>, Rows);
template <class T>
void heads_backward(HeadsBackwardKernel<T>, Rows);
template <class T>
void squared_relu(SquaredReluKernel<T>, Rows);
template <class T>
void squared_relu_backward(SquaredReluBackwardKernel<T>, Rows);
template <class T>
void cap(CapKernel<T>, Rows);
template <class T>
void head_loss(HeadLossKernel<T>, Rows);
template <class T>
void head_loss_backward(HeadLossBackwardKernel<T>, Rows);
template <class T>
void spread(SpreadKernel<T>, Rows);
template <class T>
void combine(CombineKernel<T>, Rows);
template <class T>
void slot_products(SlotProductsKernel<T>, Rows);
template <class T>
void steps(StepsKernel<T>, Rows);

template <class T>
const Kernels<T>& table();

}  // namespace reprise::ops::REPRISE_ISA
