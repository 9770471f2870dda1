// Quantities that must not be mixed up are types of their own.
#pragma once

#include <compare>
#include <cstdint>
#include <numbers>

namespace reprise {

/// A negative log-likelihood in natural units; sums in double precision.
struct Nats {
  double value = 0;
  Nats& operator+=(Nats other) {
    value += other.value;
    return *this;
  }
  friend Nats operator+(Nats a, Nats b) { return {a.value + b.value}; }
  friend Nats operator-(Nats a, Nats b) { return {a.value - b.value}; }
  auto operator<=>(const Nats&) const = default;
};

struct Bits {
  double value = 0;
  auto operator<=>(const Bits&) const = default;
};

/// A number of stored or scored bytes. Decimal: 16 MB is Bytes{16'000'000}.
struct Bytes {
  int64_t value = 0;
  Bytes& operator+=(Bytes other) {
    value += other.value;
    return *this;
  }
  friend Bytes operator+(Bytes a, Bytes b) { return {a.value + b.value}; }
  friend Bytes operator-(Bytes a, Bytes b) { return {a.value - b.value}; }
  auto operator<=>(const Bytes&) const = default;
};

inline Bits to_bits(Nats nats) { return {nats.value / std::numbers::ln2}; }

}  // namespace reprise
