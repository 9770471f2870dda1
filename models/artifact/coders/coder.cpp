#include "models/artifact/coders/coder.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <lzma.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "models/artifact/coders/rans.h"

namespace reprise {
namespace {

const uint8_t* data_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
uint8_t* data_of(std::string& text) { return reinterpret_cast<uint8_t*>(text.data()); }

/// Level 22, but for its tables, which it would make as large as 130 MB for 5 MB of bytes: 2^21
/// places of 4 bytes each.
constexpr int kZstdLevel = 22, kZstdTableLog = 21;
constexpr size_t kBytesOfSmallTables = size_t{1} << (kZstdTableLog - 1);

std::string encode_zstd(std::string_view bytes) {
  std::string coded(ZSTD_compressBound(bytes.size()), '\0');
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                   ZSTD_freeCCtx);
  require(context != nullptr, ExitCode::kFailure, "zstd: no memory");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kZstdLevel);
  if (bytes.size() > kBytesOfSmallTables)
    for (const ZSTD_cParameter table : {ZSTD_c_hashLog, ZSTD_c_chainLog})
      ZSTD_CCtx_setParameter(context.get(), table, kZstdTableLog);
  const size_t size =
      ZSTD_compress2(context.get(), coded.data(), coded.size(), bytes.data(), bytes.size());
  require(!ZSTD_isError(size), ExitCode::kFailure, "zstd: ", ZSTD_getErrorName(size));
  coded.resize(size);
  return coded;
}

bool decode_zstd(std::string_view coded, std::string& bytes) {
  return ZSTD_decompress(bytes.data(), bytes.size(), coded.data(), coded.size()) == bytes.size();
}

std::string encode_brotli(std::string_view bytes) {
  size_t size = BrotliEncoderMaxCompressedSize(bytes.size()) + 16;
  std::string coded(size, '\0');
  const bool ok =
      BrotliEncoderCompress(BROTLI_MAX_QUALITY, BROTLI_MAX_WINDOW_BITS, BROTLI_MODE_GENERIC,
                            bytes.size(), data_of(bytes), &size, data_of(coded));
  require(ok, ExitCode::kFailure, "brotli: cannot encode ", bytes.size(), " bytes");
  coded.resize(size);
  return coded;
}

bool decode_brotli(std::string_view coded, std::string& bytes) {
  size_t size = bytes.size();
  return BrotliDecoderDecompress(coded.size(), data_of(coded), &size, data_of(bytes)) ==
             BROTLI_DECODER_RESULT_SUCCESS &&
         size == bytes.size();
}

/// The settings are fixed by the size, so that they need not be stored. Codes and shuffled halves
/// have neither context nor alignment: literal context and position bits only dilute the statistics
/// (1.9 % larger with the preset's three bits of context, at 3 bits a code).
lzma_options_lzma lzma_settings(size_t size) {
  lzma_options_lzma settings;
  lzma_lzma_preset(&settings, 9 | LZMA_PRESET_EXTREME);
  settings.lc = settings.lp = settings.pb = 0;
  settings.dict_size = static_cast<uint32_t>(std::clamp<size_t>(size, LZMA_DICT_SIZE_MIN, 1 << 24));
  return settings;
}

std::string encode_lzma(std::string_view bytes) {
  lzma_options_lzma settings = lzma_settings(bytes.size());
  const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &settings}, {LZMA_VLI_UNKNOWN, nullptr}};
  std::string coded(lzma_stream_buffer_bound(bytes.size()), '\0');
  size_t size = 0;
  const lzma_ret result = lzma_raw_buffer_encode(filters, nullptr, data_of(bytes), bytes.size(),
                                                 data_of(coded), &size, coded.size());
  require(result == LZMA_OK, ExitCode::kFailure, "lzma: error ", static_cast<int>(result));
  coded.resize(size);
  return coded;
}

bool decode_lzma(std::string_view coded, std::string& bytes) {
  lzma_options_lzma settings = lzma_settings(bytes.size());
  const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &settings}, {LZMA_VLI_UNKNOWN, nullptr}};
  size_t read = 0, written = 0;
  const lzma_ret result =
      lzma_raw_buffer_decode(filters, nullptr, data_of(coded), &read, coded.size(), data_of(bytes),
                             &written, bytes.size());
  return result == LZMA_OK && read == coded.size() && written == bytes.size();
}

bool decode_into(Coder coder, std::string_view coded, int64_t row_bytes, std::string& bytes) {
  switch (coder) {
    case Coder::kStored:
      return coded.size() == bytes.size() && (bytes.assign(coded), true);
    case Coder::kZstd:
      return decode_zstd(coded, bytes);
    case Coder::kBrotli:
      return decode_brotli(coded, bytes);
    case Coder::kLzma:
      return decode_lzma(coded, bytes);
    case Coder::kRans:
      return decode_rans(coded, row_bytes, bytes);
  }
  return false;
}

}  // namespace

std::string encode(Coder coder, std::string_view bytes, int64_t row_bytes) {
  switch (coder) {
    case Coder::kStored:
      return std::string(bytes);
    case Coder::kZstd:
      return encode_zstd(bytes);
    case Coder::kBrotli:
      return encode_brotli(bytes);
    case Coder::kLzma:
      return encode_lzma(bytes);
    case Coder::kRans:
      return encode_rans(bytes, row_bytes);
  }
  fail(ExitCode::kFailure, "there is no coder ", static_cast<int>(coder));
}

std::string decode(Coder coder, std::string_view coded, int64_t size, int64_t row_bytes) {
  std::string bytes(static_cast<size_t>(size), '\0');
  require(decode_into(coder, coded, row_bytes, bytes), ExitCode::kBadInput, coded.size(),
          " bytes are not the ", enum_name(coder), " form of ", size, " bytes");
  return bytes;
}

std::string shuffle_bytes(std::string_view bytes, int64_t element_bytes) {
  const auto width = static_cast<size_t>(element_bytes);
  const size_t elements = bytes.size() / width;
  std::string shuffled(bytes.size(), '\0');
  for (size_t byte = 0; byte < width; ++byte)
    for (size_t i = 0; i < elements; ++i) shuffled[byte * elements + i] = bytes[i * width + byte];
  return shuffled;
}

std::string unshuffle_bytes(std::string_view bytes, int64_t element_bytes) {
  const auto width = static_cast<size_t>(element_bytes);
  const size_t elements = bytes.size() / width;
  std::string ordered(bytes.size(), '\0');
  for (size_t byte = 0; byte < width; ++byte)
    for (size_t i = 0; i < elements; ++i) ordered[i * width + byte] = bytes[byte * elements + i];
  return ordered;
}

}  // namespace reprise
