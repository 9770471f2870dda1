#include "tests/models/ops/operations.h"

#include "models/ops/attention.h"
#include "models/ops/expert_rows.h"
#include "models/ops/grouped_product.h"
#include "models/ops/head.h"
#include "models/ops/reference.h"
#include "models/ops/rms_norm.h"
#include "models/ops/squared_relu.h"
#include "tests/models/tiny_models.h"

namespace reprise::test {

namespace {

namespace reference = ops::reference;
using ops::Attended;
using ops::see_all;
using ops::see_every_row;
using ops::see_one_another;
using ops::Sight;

at::Tensor normal(at::IntArrayRef shape, uint32_t stream) {
  return normal_tensor(shape, stream, at::kDouble);
}

Tensors list(const ops::Residual& x) { return {x.stream, x.normed}; }
Tensors list(const ops::Heads& x) { return {x.queries_MHE, x.keys_MGE, x.values_MGE}; }

void add_row_operations(std::vector<Operation>& all) {
  const at::Tensor x = normal({7, 37}, 1), y = normal({7, 37}, 2);
  all.push_back({"rms_norm",
                 {x},
                 0,
                 [](const Tensors& in) { return Tensors{ops::rms_norm(in[0])}; },
                 [](const Tensors& in) { return Tensors{reference::rms_norm(in[0])}; }});
  all.push_back(
      {"mix_and_norm",
       {x, y, normal({2, 37}, 3)},
       1,
       [](const Tensors& in) { return list(ops::mix_and_norm(in[0], in[1], in[2])); },
       [](const Tensors& in) { return list(reference::mix_and_norm(in[0], in[1], in[2])); }});
  all.push_back(
      {"add_and_norm",
       {x, y, normal({37}, 4)},
       1,
       [](const Tensors& in) { return list(ops::add_and_norm(in[0], in[1], in[2])); },
       [](const Tensors& in) { return list(reference::add_and_norm(in[0], in[1], in[2])); }});
  all.push_back(
      {"add_scaled",
       {x, y, normal({37}, 4)},
       1,
       [](const Tensors& in) { return Tensors{ops::add_scaled(in[0], in[1], in[2])}; },
       [](const Tensors& in) { return Tensors{reference::add_scaled(in[0], in[1], in[2])}; }});
  all.push_back({"squared_relu",
                 {x},
                 0,
                 [](const Tensors& in) { return Tensors{ops::squared_relu(in[0])}; },
                 [](const Tensors& in) { return Tensors{reference::squared_relu(in[0])}; }});
}

/// Three query heads and `kv_heads` key heads of width 10, rotated in `share` of their channels.
Operation split_heads(const std::string& name, int64_t kv_heads, double share) {
  const at::Tensor positions = at::tensor({0, 1, 2, 5, 8}, at::kLong);
  const auto table = [=](const at::Tensor& gain) {
    return ops::make_rotary_table({9, 10, share, 100}, gain.options().requires_grad(false));
  };
  return {name,
          {normal({5, (3 + 2 * kv_heads) * 10}, 5), normal({3}, 6)},
          1,
          [=](const Tensors& in) {
            return list(ops::split_heads(in[0], in[1], table(in[1]), positions));
          },
          [=](const Tensors& in) {
            return list(reference::split_heads(in[0], in[1], table(in[1]), positions));
          }};
}

/// Four query heads over two key heads of width 6, under this sight of so many keys.
Operation attention(const std::string& name, const Sight& sight, int64_t keys) {
  return {
      name,
      {normal({sight.seen_M.size(0), 4, 6}, 7), normal({keys, 2, 6}, 8), normal({keys, 2, 6}, 9)},
      0,
      [=](const Tensors& in) {
        return Tensors{ops::attention(in[0], {in[1], in[2]}, sight)};
      },
      [=](const Tensors& in) {
        return Tensors{reference::attention(in[0], {in[1], in[2]}, sight)};
      }};
}

/// The same with the logarithms of its sums, whose gradients are its own.
Operation attend(const std::string& name, const Sight& sight, int64_t keys) {
  Operation operation = attention(name, sight, keys);
  operation.ours = [=](const Tensors& in) {
    const Attended given = ops::attend(in[0], {in[1], in[2]}, sight);
    return Tensors{given.mixed_MC, given.log_sums_MH};
  };
  operation.reference = [=](const Tensors& in) {
    const Attended given = reference::attend(in[0], {in[1], in[2]}, sight);
    return Tensors{given.mixed_MC, given.log_sums_MH};
  };
  return operation;
}

void add_attentions(std::vector<Operation>& all) {
  const auto rows = [](const std::vector<int64_t>& of) { return at::tensor(of, at::kLong); };
  all.push_back(attention("attention_dense", see_all(2, 5, at::kCPU), 10));
  all.push_back(attention("attention_dense_many_blocks", see_all(2, 75, at::kCPU), 150));
  const at::Tensor some = rows({0, 3, 4, 39, 41, 79});
  all.push_back(attention("attention_packed", see_every_row(some, 2, 40), 80));
  all.push_back(attention("attention_packed_one_sequence", see_every_row(rows({6, 9}), 2, 5), 10));
  all.push_back(attention("attention_one_another", see_one_another(some, 2, 40), 6));
  all.push_back(attend("attend_packed", see_every_row(some, 2, 40), 80));
  all.push_back(attend("attend_one_another", see_one_another(some, 2, 40), 6));
  // As a decoder reads a store that is not full: one query a sequence, keys behind one another.
  const Sight partly{{{0, 1}, {1, 1}}, {{0, 3}, {8, 5}}, rows({3, 5})};
  all.push_back(attend("attend_part_of_a_store", partly, 16));
}

Operation cross_entropy(const std::string& name, double softcap, double scale) {
  const at::Tensor targets = at::tensor({3, 0, 12, 7, 7}, at::kLong);
  return {name,
          {scale * normal({5, 6}, 10), normal({13, 6}, 11)},
          0,
          [=](const Tensors& in) {
            return Tensors{ops::cross_entropy(in[0], in[1], targets, softcap)};
          },
          [=](const Tensors& in) {
            return Tensors{reference::cross_entropy(in[0], in[1], targets, softcap)};
          }};
}

/// Four rows of `width`, three slots each out of fifteen.
void add_expert_operations(std::vector<Operation>& all, int64_t width) {
  const at::Tensor slots =
      at::tensor({7, 0, 3, 13, 2, 5, 1, 8, 10, 4, 9, 6}, at::kLong).view({4, 3});
  all.push_back({concat("spread_", width),
                 {normal({4, width}, 12)},
                 0,
                 [=](const Tensors& in) { return Tensors{ops::spread(in[0], slots, 15)}; },
                 [=](const Tensors& in) { return Tensors{reference::spread(in[0], slots, 15)}; }});
  all.push_back(
      {concat("combine_", width),
       {normal({15, width}, 13), normal({4, 3}, 14)},
       1,
       [=](const Tensors& in) { return Tensors{ops::combine(in[0], slots, in[1])}; },
       [=](const Tensors& in) { return Tensors{reference::combine(in[0], slots, in[1])}; }});
}

/// Groups of three, none and two rows.
Operation grouped_product() {
  return {"grouped_product",
          {normal({5, 7}, 15), normal({3, 4, 7}, 16)},
          0,
          [](const Tensors& in) {
            return Tensors{ops::grouped_product(in[0], {0, 3, 3, 5}, in[1])};
          },
          [](const Tensors& in) {
            return Tensors{at::cat({at::linear(in[0].slice(0, 0, 3), in[1][0]),
                                    at::linear(in[0].slice(0, 3, 5), in[1][2])})};
          }};
}

}  // namespace

std::vector<Operation> operations() {
  std::vector<Operation> all;
  add_row_operations(all);
  all.push_back(split_heads("split_heads", 1, 1));
  all.push_back(split_heads("split_heads_partly_rotated", 2, 0.4));
  all.push_back(split_heads("split_heads_not_rotated", 1, 0));
  all.push_back(split_heads("split_queries", 0, 1));
  add_attentions(all);
  all.push_back(cross_entropy("cross_entropy", 30, 1));
  all.push_back(cross_entropy("cross_entropy_saturated", 2, 3));
  all.push_back(cross_entropy("cross_entropy_wide_cap", 500, 10));
  add_expert_operations(all, 37);
  add_expert_operations(all, 300);  // more than a block of channels
  all.push_back(grouped_product());
  return all;
}

}  // namespace reprise::test
