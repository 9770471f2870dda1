// Scales of rows, one binary16 each, taken from a ladder of powers of two's roots, so that
// neighbouring rows share them and they code to a few bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reprise {

/// Rungs to an octave where the codes beside the scale are fine; then a scale codes to about
/// kScaleBits (row_quantiser.h).
inline constexpr double kScaleRungs = 4;

/// The power of 2^(1 / rungs) nearest to `value` on a logarithmic scale, in binary16; 0 for what
/// lies below binary16: a row of scale 0 comes back as zeros.
uint16_t nearest_rung(double value, double rungs);

/// Of a scale in binary16; 0 for 0.
float inverse_scale(uint16_t scale);

/// Root mean square of every row of a matrix, [rows, values / rows].
std::vector<double> row_rms(std::span<const float> values, size_t rows);

}  // namespace reprise
