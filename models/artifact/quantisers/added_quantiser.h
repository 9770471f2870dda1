// The encoder of additions.h. What is added is taken out of the tensor first, columns, then
// rotation, then the low-rank matrix, and the body is that of what is left: any body goes with any
// additions, and its forecast is that of the whole.
//
// Each way to do so is a candidate beside the plain body, and at every slope the one that costs
// least is taken: an addition is in the file where it buys more than as many bits of codes, tensor
// by tensor, and no share of "worst" tensors has to be set. Those that cost least at no slope are
// dropped at once, since each holds a copy of the tensor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

struct Additions {
  std::vector<size_t> outliers = {};  ///< columns kept apart, rising
  bool rotated = false;
  int64_t rank = 0;  ///< of int4 factors
};

using MakeBody = std::function<std::unique_ptr<Quantiser>(const Subject&)>;

class AddedQuantiser : public Quantiser {
 public:
  AddedQuantiser(const Subject& subject, const Additions& additions, const MakeBody& make_body);
  Forecast forecast(double slope) const override;
  QuantisedTensor quantise(double slope) const override;

 private:
  // The Hessian is that of what the body is multiplied by; empty where none is known.
  void keep_columns(const std::vector<size_t>& columns, std::vector<double>& hessian);
  void rotate(std::vector<double>& hessian);
  void take_low_rank(int64_t rank, const std::vector<double>& hessian);

  HostTensor tensor_;  ///< what the body is of
  Importance importance_;
  Form added_ = {};
  std::string factors_, indices_, columns_;
  double added_bits_ = 0;
  std::unique_ptr<Quantiser> body_;
};

/// The `count` columns in which errors of `quantised` weigh most, rising: largest H_jj |dW_j|^2,
/// rows by their importance, H_jj from the hessian where there is one, else the column's
/// importance. Whole columns cost an index each, and keep what reads the input dimension they
/// scale; Dettmers et al., "LLM.int8()", arXiv:2208.07339; Lee et al., "OWQ", arXiv:2306.02272.
std::vector<size_t> worst_columns(const Subject& subject, const std::vector<float>& quantised,
                                  size_t count);

/// A body of this scheme with every combination of the additions that `options` ask for.
std::vector<std::unique_ptr<Quantiser>> make_ways(Scheme scheme, const Subject& subject,
                                                  const QuantiserOptions& options,
                                                  const MakeBody& make_body);

/// Leaves those that at some slope between 2^-40 and 2^8 are the first within a thousandth of
/// the least cost: of near equals the plainest stays.
void drop_never_best(std::vector<std::unique_ptr<Quantiser>>& ways);

}  // namespace reprise
