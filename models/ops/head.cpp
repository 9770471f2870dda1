#include "models/ops/head.h"

#include "models/ops/launch.h"
#include "models/ops/reference.h"

namespace reprise::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Rows whose logits are in memory at a time: few enough to stay in a cache, enough for the
/// products.
int64_t rows_per_chunk(int64_t vocab) { return std::max<int64_t>(64, (int64_t{1} << 20) / vocab); }

/// Kernels index by target.
void require_targets(const at::Tensor& targets, int64_t vocab) {
  if (targets.numel() == 0) return;
  const auto [least, largest] = at::aminmax(targets);
  require(least.item<int64_t>() >= 0 && largest.item<int64_t>() < vocab, ExitCode::kFailure,
          "targets lie in ", least.item<int64_t>(), " .. ", largest.item<int64_t>(),
          "; the vocabulary has ", vocab, " tokens");
}

/// Logits are made chunk by chunk, and once more in backward, instead of being kept.
struct HeadLoss : torch::autograd::Function<HeadLoss> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& embedding, const at::Tensor& labels, double softcap) {
    const at::Tensor features = input.contiguous(), targets = labels.contiguous();
    const int64_t rows = features.size(0), vocab = embedding.size(0);
    require_targets(targets, vocab);
    const auto wide = features.options().dtype(at::toOpMathType(features.scalar_type()));
    const at::Tensor nats = at::empty({rows}, wide), log_sum = at::empty({rows}, wide);
    const Ranges chunks{rows, rows_per_chunk(vocab)};
    for (int64_t chunk = 0; chunk < chunks.count(); ++chunk) {
      const auto [first, last] = chunks[chunk];
      const at::Tensor raw = at::mm(features.slice(0, first, last), embedding.t());
      for_type(features.scalar_type(), [&]<class T>(std::type_identity<T>) {
        const HeadLossKernel<T> kernel{read<T>(raw),
                                       read<int64_t>(targets) + first,
                                       write<Wide<T>>(nats) + first,
                                       write<Wide<T>>(log_sum) + first,
                                       vocab,
                                       static_cast<Wide<T>>(softcap)};
        for_ranges(ranges_of(last - first, vocab),
                   [&](int64_t, Rows range) { kernels<T>().head_loss(kernel, range); });
      });
    }
    context->save_for_backward({features, embedding, targets, log_sum});
    context->saved_data["softcap"] = softcap;
    return nats;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &features = saved[0], &embedding = saved[1], &targets = saved[2];
    const double softcap = context->saved_data["softcap"].toDouble();
    const at::Tensor grad_nats = grads[0].to(saved[3].scalar_type()).contiguous();
    const int64_t rows = features.size(0), vocab = embedding.size(0);
    const at::Tensor grad_features = at::empty_like(features);
    at::Tensor grad_embedding = at::zeros(embedding.sizes(), saved[3].options());
    const Ranges chunks{rows, rows_per_chunk(vocab)};
    for (int64_t chunk = 0; chunk < chunks.count(); ++chunk) {
      const auto [first, last] = chunks[chunk];
      const at::Tensor part = features.slice(0, first, last);
      const at::Tensor raw = at::mm(part, embedding.t());
      for_type(features.scalar_type(), [&]<class T>(std::type_identity<T>) {
        const HeadLossBackwardKernel<T> kernel{write<T>(raw),
                                               read<int64_t>(targets) + first,
                                               read<Wide<T>>(saved[3]) + first,
                                               read<Wide<T>>(grad_nats) + first,
                                               vocab,
                                               static_cast<Wide<T>>(softcap)};
        for_ranges(ranges_of(last - first, vocab),
                   [&](int64_t, Rows range) { kernels<T>().head_loss_backward(kernel, range); });
      });
      at::Tensor grad_part = grad_features.slice(0, first, last);
      at::mm_out(grad_part, raw, embedding);
      grad_embedding.add_(at::mm(raw.t(), part));
    }
    return {grad_features, grad_embedding.to(embedding.scalar_type()), {}, {}};
  }
};

}  // namespace

at::Tensor capped_logits(const at::Tensor& features, const at::Tensor& embedding_VD,
                         double softcap) {
  const at::ScalarType wide = at::toOpMathType(features.scalar_type());
  return softcap * at::tanh(at::linear(features, embedding_VD).to(wide) / softcap);
}

at::Tensor cross_entropy(const at::Tensor& features, const at::Tensor& embedding_VD,
                         const at::Tensor& targets, double softcap) {
  if (!has_kernels(features))
    return reference::cross_entropy(features, embedding_VD, targets, softcap);
  return HeadLoss::apply(features.flatten(0, -2), embedding_VD.contiguous(), targets.flatten(),
                         softcap)
      .view(targets.sizes());
}

}  // namespace reprise::ops
