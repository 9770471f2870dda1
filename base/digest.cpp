#include "base/digest.h"

#include <openssl/evp.h>

#include <fstream>
#include <vector>

#include "base/error.h"

namespace reprise {

struct Sha256Stream::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) {
  require(context_->evp && EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) == 1,
          ExitCode::kFailure, "OpenSSL cannot start a SHA-256");
}

Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::update(std::string_view bytes) {
  require(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1, ExitCode::kFailure,
          "OpenSSL cannot continue a SHA-256");
}

Sha256 Sha256Stream::finish() {
  Sha256 digest{};
  require(EVP_DigestFinal_ex(context_->evp, digest.data(), nullptr) == 1, ExitCode::kFailure,
          "OpenSSL cannot finish a SHA-256");
  return digest;
}

Sha256 sha256(std::string_view bytes) {
  Sha256Stream stream;
  stream.update(bytes);
  return stream.finish();
}

Sha256 sha256_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) fail_errno(ExitCode::kBadInput, concat("cannot open ", path.string()));
  Sha256Stream stream;
  std::vector<char> block(1 << 20);
  while (in.read(block.data(), std::ssize(block)) || in.gcount() > 0)
    stream.update({block.data(), static_cast<size_t>(in.gcount())});
  if (in.bad()) fail_errno(ExitCode::kBadInput, concat("cannot read ", path.string()));
  return stream.finish();
}

std::string to_hex(std::span<const uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace reprise
