// The tied head: features times the embedding, capped softly (softcap * tanh(logits / softcap)),
// and its cross-entropy.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

/// [..., D] -> fp32 (fp64 for fp64) [..., V].
at::Tensor capped_logits(const at::Tensor& features, const at::Tensor& embedding_VD,
                         double softcap);

/// Nats of each target: features [..., D], targets [...] int64 -> [...] fp32 (fp64 for fp64).
at::Tensor cross_entropy(const at::Tensor& features, const at::Tensor& embedding_VD,
                         const at::Tensor& targets, double softcap);

/// Rows whose logits a cross-entropy has in memory at a time.
int64_t rows_of_logits(int64_t vocab, at::DeviceType device);

}  // namespace reprise::ops
