// The running average of the weights over the steps, which often predicts better than the last
// ones.
//
//   average_t = average_{t-1} + (1 - d) / (1 - d^t) (weights_t - average_{t-1}),    t = 1, 2, ...
//
// That is the exponential moving average e_t = d e_{t-1} + (1 - d) weights_t from e_0 = 0, divided
// by the sum 1 - d^t of its coefficients: Kingma and Ba, "Adam", arXiv:1412.6980, section 3. So the
// first average is the first weights, and none leans towards zero. Kept in this form, it needs no
// count.
#pragma once

#include <vector>

#include "models/parameters.h"
#include "train/named_tensor.h"

namespace reprise {

class WeightAverage {
 public:
  /// `decay` d per step in [0, 1); 0 keeps nothing.
  WeightAverage(double decay, const std::vector<Parameter>& parameters);

  /// Takes in the weights as step `step`, counted from 0, has left them.
  void update(int64_t step);
  /// Copies the average over the weights.
  void install() const;

  /// "average.<name>" of every parameter.
  std::vector<NamedTensor> state() const;

 private:
  double decay_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> weights_, averages_;
};

}  // namespace reprise
