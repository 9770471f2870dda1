// SHA-256, by OpenSSL: the name of a document, of a file, of a configuration.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace reprise {

using Sha256 = std::array<uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
Sha256 sha256_file(
    const std::filesystem::path& path);  ///< throws kBadInput where the file cannot be read
std::string to_hex(std::span<const uint8_t> bytes);

/// SHA-256 of text that arrives in parts.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  void update(std::string_view bytes);
  Sha256 finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace reprise
