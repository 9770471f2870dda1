#include "models/ops/head.h"

#include "models/ops/head_rows.h"
#include "models/ops/launch.h"
#include "models/ops/reference.h"

namespace reprise::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Kernels index by target. Elsewhere gather() finds a wrong one, and looking here would make the
/// host wait for the device.
void require_targets(const at::Tensor& targets, int64_t vocab) {
  if (targets.numel() == 0 || !targets.is_cpu()) return;
  const auto [least, largest] = at::aminmax(targets);
  require(least.item<int64_t>() >= 0 && largest.item<int64_t>() < vocab, ExitCode::kFailure,
          "targets lie in ", least.item<int64_t>(), " .. ", largest.item<int64_t>(),
          "; the vocabulary has ", vocab, " tokens");
}

/// Rows [first, last) of the batch: where their losses go.
struct Chunk {
  at::Tensor raw, targets, nats, log_sums;
};

void losses_of_chunk(const Chunk& chunk, double softcap) {
  if (!has_kernels(chunk.raw)) {
    const RowLosses losses = losses_of_rows(chunk.raw, chunk.targets, softcap);
    at::Tensor(chunk.nats).copy_(losses.nats_N);
    at::Tensor(chunk.log_sums).copy_(losses.log_sums_N);
    return;
  }
  const int64_t rows = chunk.raw.size(0), vocab = chunk.raw.size(1);
  for_type(chunk.raw.scalar_type(), [&]<class T>(std::type_identity<T>) {
    const HeadLossKernel<T> kernel{read<T>(chunk.raw),
                                   read<int64_t>(chunk.targets),
                                   write<Wide<T>>(chunk.nats),
                                   write<Wide<T>>(chunk.log_sums),
                                   vocab,
                                   static_cast<Wide<T>>(softcap)};
    for_ranges(ranges_of(rows, vocab),
               [&](int64_t, Rows range) { kernels<T>().head_loss(kernel, range); });
  });
}

/// The gradient of the chunk's logits; the CPU's kernels write it over them.
at::Tensor slopes_of_chunk(const RowLossGradients& given) {
  if (!has_kernels(given.raw_NV)) return slopes_of_rows(given);
  const int64_t rows = given.raw_NV.size(0), vocab = given.raw_NV.size(1);
  for_type(given.raw_NV.scalar_type(), [&]<class T>(std::type_identity<T>) {
    const HeadLossBackwardKernel<T> kernel{write<T>(given.raw_NV),
                                           read<int64_t>(given.targets_N),
                                           read<Wide<T>>(given.log_sums_N),
                                           read<Wide<T>>(given.grad_nats_N),
                                           vocab,
                                           static_cast<Wide<T>>(given.softcap)};
    for_ranges(ranges_of(rows, vocab),
               [&](int64_t, Rows range) { kernels<T>().head_loss_backward(kernel, range); });
  });
  return given.raw_NV;
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
    const Ranges chunks{rows, rows_of_logits(vocab, features.device().type())};
    for (int64_t chunk = 0; chunk < chunks.count(); ++chunk) {
      const auto [first, last] = chunks[chunk];
      const at::Tensor raw = at::mm(features.slice(0, first, last), embedding.t());
      losses_of_chunk({raw, targets.slice(0, first, last), nats.slice(0, first, last),
                       log_sum.slice(0, first, last)},
                      softcap);
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
    const Ranges chunks{rows, rows_of_logits(vocab, features.device().type())};
    for (int64_t chunk = 0; chunk < chunks.count(); ++chunk) {
      const auto [first, last] = chunks[chunk];
      const at::Tensor part = features.slice(0, first, last);
      const at::Tensor slopes = slopes_of_chunk(
          {at::mm(part, embedding.t()), targets.slice(0, first, last),
           saved[3].slice(0, first, last), grad_nats.slice(0, first, last), softcap});
      at::Tensor grad_part = grad_features.slice(0, first, last);
      at::mm_out(grad_part, slopes, embedding);
      grad_embedding.add_(at::mm(slopes.t(), part));
    }
    return {grad_features, grad_embedding.to(embedding.scalar_type()), {}, {}};
  }
};

}  // namespace

at::Tensor capped_logits(const at::Tensor& features, const at::Tensor& embedding_VD,
                         double softcap) {
  const at::Tensor raw = at::linear(features, embedding_VD).contiguous();
  const at::ScalarType wide = at::toOpMathType(raw.scalar_type());
  if (!has_kernels(raw) || raw.requires_grad()) return reference::capped(raw, softcap);
  const at::Tensor capped = at::empty(raw.sizes(), raw.options().dtype(wide));
  for_type(raw.scalar_type(), [&]<class T>(std::type_identity<T>) {
    const CapKernel<T> kernel{read<T>(raw), write<Wide<T>>(capped), static_cast<Wide<T>>(softcap)};
    for_ranges(ranges_of(raw.numel(), 1),
               [&](int64_t, Rows elements) { kernels<T>().cap(kernel, elements); });
  });
  return capped;
}

at::Tensor cross_entropy(const at::Tensor& features, const at::Tensor& embedding_VD,
                         const at::Tensor& targets, double softcap) {
  return HeadLoss::apply(features.flatten(0, -2), embedding_VD.contiguous(), targets.flatten(),
                         softcap)
      .view(targets.sizes());
}

/// On the CPU few enough to stay in a cache, enough for the products; elsewhere enough to fill the
/// device, and in fp32 a quarter of a gigabyte.
int64_t rows_of_logits(int64_t vocab, at::DeviceType device) {
  const int64_t logits = int64_t{1} << (device == at::kCPU ? 20 : 26);
  return std::max<int64_t>(64, logits / vocab);
}

}  // namespace reprise::ops
