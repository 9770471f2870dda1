#include "models/ops/attention.h"

#include "models/ops/attention_unit.h"
#include "models/ops/launch.h"
#include "models/ops/reference.h"

namespace reprise::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The tensors of a call, contiguous as [M, H, E] and [B, T, G, E].
struct Operands {
  at::Tensor queries, keys, values, rows;

  int64_t batch() const { return keys.size(0); }
  int64_t length() const { return keys.size(1); }
  int64_t kv_heads() const { return keys.size(2); }
  int64_t width() const { return keys.size(3); }
  int64_t heads() const { return queries.size(1); }
  int64_t group() const { return heads() / kv_heads(); }
};

/// Queries of sequence b: rows [first[b], first[b + 1]).
std::vector<int64_t> first_rows(const Operands& x) {
  const int64_t* rows = read<int64_t>(x.rows);
  std::vector<int64_t> firsts;
  for (int64_t b = 0; b <= x.batch(); ++b)
    firsts.push_back(std::lower_bound(rows, rows + x.rows.size(0), b * x.length()) - rows);
  return firsts;
}

/// Where one unit's share of a tensor begins.
struct UnitPlace {
  int64_t sequence, kv_head, first_row, rows;
};

/// A query-shaped tensor's rows in a unit, its first head; and a key-shaped one's.
template <class T>
StridedRows<T> query_rows(const Operands& x, T* data, const UnitPlace& place) {
  const int64_t stride = x.heads() * x.width();
  return {data + place.first_row * stride + place.kv_head * x.group() * x.width(), stride,
          place.rows, x.width()};
}
template <class T>
StridedRows<T> key_rows(const Operands& x, T* data, const UnitPlace& place) {
  const int64_t stride = x.kv_heads() * x.width();
  return {data + place.sequence * x.length() * stride + place.kv_head * x.width(), stride,
          x.length(), x.width()};
}

template <class T>
AttentionUnit<T> make_unit(const Operands& x, const UnitPlace& place, const at::Tensor& output,
                           const at::Tensor& log_sums) {
  return {key_rows(x, read<T>(x.keys), place),
          key_rows(x, read<T>(x.values), place),
          query_rows(x, read<T>(x.queries), place),
          query_rows(x, write<T>(output), place),
          write<Wide<T>>(log_sums) + place.first_row * x.heads() + place.kv_head * x.group(),
          x.heads(),
          read<int64_t>(x.rows) + place.first_row,
          x.group()};
}

/// Calls work(worker, place) for every sequence and key/value head, in parallel. bf16 is multiplied
/// as such where the machine can, else as fp32.
template <class Work>
void for_units(const Operands& x, Work work) {
  const std::vector<int64_t> firsts = first_rows(x);
  const auto run = [&]<class T, class P>(std::type_identity<T>, std::type_identity<P>) {
    at::parallel_for(0, x.batch() * x.kv_heads(), 1, [&](int64_t begin, int64_t end) {
      AttentionWorker<T, P> worker(x.length(), x.width());
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t b = unit / x.kv_heads();
        const auto first = firsts[static_cast<size_t>(b)];
        work(std::type_identity<T>{}, worker,
             UnitPlace{b, unit % x.kv_heads(), first, firsts[static_cast<size_t>(b) + 1] - first});
      }
    });
  };
  for_type(x.queries.scalar_type(), [&]<class T>(std::type_identity<T> type) {
    if constexpr (std::is_same_v<T, Bf16>) {
      if (!has_bf16_products()) return run(type, std::type_identity<float>{});
    }
    run(type, type);
  });
}

struct Attention : torch::autograd::Function<Attention> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& queries_MHE,
                            const at::Tensor& keys_BGTE, const at::Tensor& values_BGTE,
                            const at::Tensor& rows_M) {
    const Operands x{queries_MHE.contiguous(), keys_BGTE.transpose(1, 2).contiguous(),
                     values_BGTE.transpose(1, 2).contiguous(), rows_M.contiguous()};
    const at::Tensor output =
        at::empty({x.queries.size(0), x.heads() * x.width()}, x.queries.options());
    const at::Tensor log_sums =
        at::empty({x.queries.size(0), x.heads()},
                  x.queries.options().dtype(at::toOpMathType(x.queries.scalar_type())));
    for_units(x, [&]<class T>(std::type_identity<T>, auto& worker, const UnitPlace& place) {
      if (place.rows > 0) worker.forward(make_unit<T>(x, place, output, log_sums));
    });
    context->save_for_backward({x.queries, x.keys, x.values, x.rows, output, log_sums});
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const Operands x{saved[0], saved[1], saved[2], saved[3]};
    const at::Tensor grad_output = grads[0].contiguous(), grad_queries = at::empty_like(x.queries);
    const at::Tensor grad_keys = at::empty_like(x.keys), grad_values = at::empty_like(x.values);
    for_units(x, [&]<class T>(std::type_identity<T>, auto& worker, const UnitPlace& place) {
      worker.backward(
          make_unit<T>(x, place, saved[4], saved[5]),
          {query_rows(x, read<T>(grad_output), place), query_rows(x, write<T>(grad_queries), place),
           key_rows(x, write<T>(grad_keys), place), key_rows(x, write<T>(grad_values), place)});
    });
    return {grad_queries, grad_keys.transpose(1, 2), grad_values.transpose(1, 2), {}};
  }
};

}  // namespace

at::Tensor attention(const at::Tensor& queries_MHE, const at::Tensor& keys_BGTE,
                     const at::Tensor& values_BGTE, const at::Tensor& rows_M) {
  const int64_t head_width = queries_MHE.size(2);
  if (!has_kernels(queries_MHE) || head_width > kWidestHead || head_width % 2 != 0)
    return reference::attention(queries_MHE, keys_BGTE, values_BGTE, rows_M);
  return Attention::apply(queries_MHE, keys_BGTE, values_BGTE, rows_M);
}

}  // namespace reprise::ops
