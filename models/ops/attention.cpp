#include "models/ops/attention.h"

#include "models/ops/attention_unit.h"
#include "models/ops/launch.h"
#include "models/ops/reference.h"

namespace reprise::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The tensors of a call, contiguous.
struct Operands {
  at::Tensor queries, keys, values, seen;

  int64_t kv_heads() const { return keys.size(1); }
  int64_t width() const { return keys.size(2); }
  int64_t heads() const { return queries.size(1); }
  int64_t group() const { return heads() / kv_heads(); }
};

/// Where one unit's share of a tensor begins.
struct UnitPlace {
  RowSpan queries, keys;
  int64_t kv_head;
};

/// A query-shaped tensor's rows in a unit, its first head; and a key-shaped one's.
template <class T>
StridedRows<T> query_rows(const Operands& x, T* data, const UnitPlace& place) {
  const int64_t stride = x.heads() * x.width();
  return {data + place.queries.first * stride + place.kv_head * x.group() * x.width(), stride,
          place.queries.count, x.width()};
}
template <class T>
StridedRows<T> key_rows(const Operands& x, T* data, const UnitPlace& place) {
  const int64_t stride = x.kv_heads() * x.width();
  return {data + place.keys.first * stride + place.kv_head * x.width(), stride, place.keys.count,
          x.width()};
}

template <class T>
AttentionUnit<T> make_unit(const Operands& x, const UnitPlace& place, const at::Tensor& output,
                           const at::Tensor& log_sums) {
  return {key_rows(x, read<T>(x.keys), place),
          key_rows(x, read<T>(x.values), place),
          query_rows(x, read<T>(x.queries), place),
          query_rows(x, write<T>(output), place),
          write<Wide<T>>(log_sums) + place.queries.first * x.heads() + place.kv_head * x.group(),
          x.heads(),
          read<int64_t>(x.seen) + place.queries.first,
          x.group()};
}

/// Calls work(worker, place) for every sequence and key/value head, in parallel. bf16 is multiplied
/// as such where the machine can, else as fp32.
template <class Work>
void for_units(const Operands& x, const Sight& sight, Work work) {
  const int64_t most_keys = sight.most_keys();
  const auto run = [&]<class T, class P>(std::type_identity<T>, std::type_identity<P>) {
    at::parallel_for(0, std::ssize(sight.keys_B) * x.kv_heads(), 1,
                     [&](int64_t begin, int64_t end) {
                       AttentionWorker<T, P> worker(most_keys, x.width());
                       for (int64_t unit = begin; unit < end; ++unit) {
                         const auto b = static_cast<size_t>(unit / x.kv_heads());
                         work(std::type_identity<T>{}, worker,
                              UnitPlace{sight.queries_B[b], sight.keys_B[b], unit % x.kv_heads()});
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
  static variable_list forward(AutogradContext* context, const at::Tensor& queries_MHE,
                               const at::Tensor& keys_NGE, const at::Tensor& values_NGE,
                               const Sight& sight) {
    const Operands x{queries_MHE.contiguous(), keys_NGE.contiguous(), values_NGE.contiguous(),
                     sight.seen_M.contiguous()};
    const at::Tensor output =
        at::empty({x.queries.size(0), x.heads() * x.width()}, x.queries.options());
    const at::Tensor log_sums =
        at::empty({x.queries.size(0), x.heads()},
                  x.queries.options().dtype(at::toOpMathType(x.queries.scalar_type())));
    for_units(x, sight, [&]<class T>(std::type_identity<T>, auto& worker, const UnitPlace& place) {
      if (place.queries.count > 0) worker.forward(make_unit<T>(x, place, output, log_sums));
    });
    context->save_for_backward({x.queries, x.keys, x.values, x.seen, output, log_sums});
    context->saved_data["spans"] = numbers_of(sight);
    context->set_materialize_grads(false);
    return {output, log_sums};
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const Operands x{saved[0], saved[1], saved[2], saved[3]};
    const Sight sight = sight_of(context->saved_data["spans"].toIntVector(), x.seen);
    const at::Tensor grad_output =
        grads[0].defined() ? grads[0].contiguous() : at::zeros_like(saved[4]);
    const at::Tensor grad_log_sums = grads[1].defined() ? grads[1].contiguous() : at::Tensor();
    // Keys between those of two sequences are seen by none.
    const at::Tensor grad_queries = at::empty_like(x.queries), grad_keys = at::zeros_like(x.keys),
                     grad_values = at::zeros_like(x.values);
    for_units(x, sight, [&]<class T>(std::type_identity<T>, auto& worker, const UnitPlace& place) {
      const AttentionUnit<T> unit = make_unit<T>(x, place, saved[4], saved[5]);
      const Wide<T>* slopes =
          grad_log_sums.defined()
              ? read<Wide<T>>(grad_log_sums) + (unit.log_sums - read<Wide<T>>(saved[5]))
              : nullptr;
      worker.backward(unit, {query_rows(x, read<T>(grad_output), place), slopes,
                             query_rows(x, write<T>(grad_queries), place),
                             key_rows(x, write<T>(grad_keys), place),
                             key_rows(x, write<T>(grad_values), place)});
    });
    return {grad_queries, grad_keys, grad_values, {}};
  }

  /// What backward needs of a sight beside seen_M, as the context keeps it.
  static std::vector<int64_t> numbers_of(const Sight& sight) {
    std::vector<int64_t> numbers;
    for (size_t b = 0; b < sight.keys_B.size(); ++b)
      for (const RowSpan& span : {sight.queries_B[b], sight.keys_B[b]})
        numbers.insert(numbers.end(), {span.first, span.count});
    return numbers;
  }
  static Sight sight_of(const std::vector<int64_t>& numbers, const at::Tensor& seen_M) {
    Sight sight{.queries_B = {}, .keys_B = {}, .seen_M = seen_M};
    for (size_t i = 0; i < numbers.size(); i += 4) {
      sight.queries_B.push_back({numbers[i], numbers[i + 1]});
      sight.keys_B.push_back({numbers[i + 2], numbers[i + 3]});
    }
    return sight;
  }
};

bool runs_here(const at::Tensor& queries_MHE) {
  const int64_t head_width = queries_MHE.size(2);
  return has_kernels(queries_MHE) && head_width <= kWidestHead && head_width % 2 == 0;
}

}  // namespace

at::Tensor attention(const at::Tensor& queries_MHE, const KeyRows& rows, const Sight& sight) {
  if (!runs_here(queries_MHE)) return reference::attention(queries_MHE, rows, sight);
  return Attention::apply(queries_MHE, rows.keys_NGE, rows.values_NGE, sight)[0];
}

Attended attend(const at::Tensor& queries_MHE, const KeyRows& rows, const Sight& sight) {
  if (!runs_here(queries_MHE)) return reference::attend(queries_MHE, rows, sight);
  const variable_list given = Attention::apply(queries_MHE, rows.keys_NGE, rows.values_NGE, sight);
  return {given[0], given[1]};
}

at::Tensor join(const Attended& first, const Attended& second) {
  const at::Tensor share_MH1 =
      at::sigmoid(second.log_sums_MH - first.log_sums_MH).unsqueeze(-1).to(first.mixed_MC.dtype());
  const auto by_head = [&](const at::Tensor& mixed_MC) {
    return mixed_MC.unflatten(1, {share_MH1.size(1), -1});
  };
  return at::lerp(by_head(first.mixed_MC), by_head(second.mixed_MC), share_MH1).flatten(1);
}

}  // namespace reprise::ops
