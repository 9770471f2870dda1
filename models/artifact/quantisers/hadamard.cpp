#include "models/artifact/quantisers/hadamard.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/random.h"

namespace reprise {
namespace {

std::vector<float> signs_of(int64_t columns) {
  const RandomStream stream(static_cast<uint64_t>(columns), Purpose::kRotation);
  std::vector<float> signs;
  for (int64_t i = 0; i < columns; ++i)
    signs.push_back(stream.bits(static_cast<uint64_t>(i)) & 1 ? -1.0F : 1.0F);
  return signs;
}

/// One block times the orthonormal Hadamard matrix, which is symmetric and its own inverse.
template <class Number>
void transform_block(std::span<Number> block) {
  for (size_t half = 1; half < block.size(); half *= 2)
    for (size_t first = 0; first < block.size(); first += 2 * half) {
      Number *low = &block[first], *high = low + half;
      for (size_t i = 0; i < half; ++i) {
        const Number sum = low[i] + high[i], difference = low[i] - high[i];
        low[i] = sum;
        high[i] = difference;
      }
    }
  const Number scale = static_cast<Number>(1 / std::sqrt(static_cast<double>(block.size())));
  for (Number& value : block) value *= scale;
}

template <class Number>
void transform_blocks(std::span<Number> row, size_t block) {
  for (size_t first = 0; first < row.size(); first += block)
    transform_block(row.subspan(first, block));
}

template <class Number>
void flip(std::span<Number> row, const std::vector<float>& signs) {
  for (size_t i = 0; i < row.size(); ++i) row[i] *= static_cast<Number>(signs[i]);
}

template <class Number>
void rotate_each_row(std::span<Number> matrix, int64_t columns) {
  const std::vector<float> signs = signs_of(columns);
  const auto width = static_cast<size_t>(columns);
  const auto block = static_cast<size_t>(hadamard_block(columns));
  for (size_t first = 0; first < matrix.size(); first += width) {
    const std::span<Number> row = matrix.subspan(first, width);
    flip(row, signs);
    transform_blocks(row, block);
  }
}

void transpose(std::span<double> square, size_t length) {
  for (size_t i = 0; i < length; ++i)
    for (size_t j = 0; j < i; ++j) std::swap(square[i * length + j], square[j * length + i]);
}

}  // namespace

int64_t hadamard_block(int64_t columns) { return columns & -columns; }

void rotate_rows(std::span<float> weights, int64_t columns) { rotate_each_row(weights, columns); }

void rotate_rows_back(std::span<float> weights, int64_t columns) {
  const std::vector<float> signs = signs_of(columns);
  const auto width = static_cast<size_t>(columns);
  const auto block = static_cast<size_t>(hadamard_block(columns));
  for (size_t first = 0; first < weights.size(); first += width) {
    const std::span<float> row = weights.subspan(first, width);
    transform_blocks(row, block);
    flip(row, signs);
  }
}

void rotate_diagonal(std::span<float> weights) {
  const auto block = static_cast<size_t>(hadamard_block(std::ssize(weights)));
  for (size_t first = 0; first < weights.size(); first += block) {
    const std::span<float> part = weights.subspan(first, block);
    const double sum = std::accumulate(part.begin(), part.end(), 0.0);
    std::ranges::fill(part, static_cast<float>(sum / static_cast<double>(block)));
  }
}

void rotate_hessian(std::span<double> hessian, int64_t columns) {
  rotate_each_row(hessian, columns);                 // X H
  transpose(hessian, static_cast<size_t>(columns));  // H^T X, since X is symmetric
  rotate_each_row(hessian, columns);                 // H^T X H
}

}  // namespace reprise
