// What tests of quantisers share: a tensor stored and read again, and how far off it is.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

/// Matrices of any size by one scheme.
QuantiserOptions only_scheme(const std::string& scheme);

/// The values of what was stored, whose form and lengths must be those that a reader takes.
std::vector<float> read_back(const HostTensor& tensor, const QuantisedTensor& quantised);

/// Importance between 1 / 16 and 16, at random.
Importance random_importance(size_t rows, size_t columns, uint64_t seed);

/// Numbers of a Laplace distribution with unit variance.
std::vector<float> laplace_values(size_t count, uint64_t seed);

/// tests/golden/body.json.
struct BodyGolden {
  HostTensor tensor;
  Importance importance;
  nlohmann::json json;
};
BodyGolden read_body_golden();

/// The slope at which the quantiser is forecast to take no more than `bits` a weight.
double slope_of(const Quantiser& quantiser, double bits, size_t weights);

/// The line of the kBadInput error that `work` throws; empty where it throws none.
template <class Work>
std::string bad_input_line(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code() == ExitCode::kBadInput ? error.what() : "another error";
  }
  return "";
}

}  // namespace reprise
