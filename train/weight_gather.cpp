#include "train/weight_gather.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <set>

#include "base/error.h"
#include "train/buckets.h"
#include "train/buffer_of.h"

namespace reprise {
namespace {

std::vector<at::Tensor> pieces_of(const at::Tensor& flat, const std::vector<at::Tensor>& weights) {
  std::vector<at::Tensor> pieces;
  int64_t first = 0;
  for (const auto& weight : weights) {
    pieces.push_back(flat.narrow(0, first, weight.numel()).view(weight.sizes()));
    first += weight.numel();
  }
  return pieces;
}

}  // namespace

WeightGather::WeightGather(const std::vector<Parameter>& parameters,
                           const std::vector<int>& owner_of, int rank, int64_t packet_bytes)
    : rank_(rank) {
  for (const int owner : std::set<int>(owner_of.begin(), owner_of.end())) {
    std::vector<at::Tensor> weights;
    for (size_t i = 0; i < parameters.size(); ++i)
      if (owner_of[i] == owner) weights.push_back(parameters[i].tensor.detach());
    add_packets_of(owner, weights, packet_bytes);
  }
}

void WeightGather::add_packets_of(int owner, const std::vector<at::Tensor>& weights,
                                  int64_t packet_bytes) {
  std::vector<int64_t> sizes_bytes;
  for (const auto& weight : weights) sizes_bytes.push_back(static_cast<int64_t>(weight.nbytes()));
  for (const auto& members : plan_buckets(sizes_bytes, {packet_bytes, packet_bytes})) {
    Packet packet{owner, {}, weights[members.front()]};
    int64_t elements = 0;
    for (const size_t i : members) {
      packet.weights.push_back(weights[i]);
      elements += weights[i].numel();
    }
    require(packet.flat.is_contiguous(), ExitCode::kFailure, "a weight is not contiguous");
    if (members.size() > 1) packet.flat = at::empty({elements}, packet.flat.options());
    packets_.push_back(std::move(packet));
  }
}

void WeightGather::run(Transport& transport) {
  const torch::autograd::AutoGradMode no_graph(false);
  for (Packet& packet : packets_) {
    if (packet.owner == rank_ && packet.weights.size() > 1)
      at::_foreach_copy_(pieces_of(packet.flat, packet.weights), packet.weights);
    transport.broadcast(buffer_of(packet.flat), packet.owner);
  }
  transport.join();
  for (Packet& packet : packets_)
    if (packet.owner != rank_ && packet.weights.size() > 1)
      at::_foreach_copy_(packet.weights, pieces_of(packet.flat, packet.weights));
  transport.await();
}

}  // namespace reprise
