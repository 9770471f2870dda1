#include "models/artifact/container.h"

#include <lzma.h>

#include "base/error.h"

namespace reprise {
namespace {

constexpr std::string_view kMagic = "\x93REPRISE";
constexpr uint32_t kVersion = 1;

uint32_t checksum(std::string_view bytes, uint32_t before = 0) {
  return lzma_crc32(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), before);
}

void append_number(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 0xff);
}

uint64_t number_at(std::string_view bytes, size_t offset, int width) {
  uint64_t value = 0;
  for (int i = 0; i < width; ++i)
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[offset + static_cast<size_t>(i)]))
             << 8 * i;
  return value;
}

struct Preamble {
  size_t header_bytes = 0, sections = 0;
  uint32_t checksum = 0;
  size_t table_offset() const { return kPreambleBytes + header_bytes; }
  size_t data_offset() const { return table_offset() + sections * kTableEntryBytes; }
};

Preamble read_preamble(std::string_view bytes, std::string_view name) {
  require(bytes.size() >= kPreambleBytes, ExitCode::kBadInput, name, ": ", bytes.size(),
          " bytes are too few for an artifact");
  require(bytes.starts_with(kMagic), ExitCode::kBadInput, name,
          ": not an artifact; give a file that reprise pack wrote");
  const uint64_t version = number_at(bytes, 8, 4);
  require(version == kVersion, ExitCode::kBadInput, name, ": an artifact of version ", version,
          ", this program reads version ", kVersion);
  const Preamble preamble{number_at(bytes, 12, 4), number_at(bytes, 16, 4),
                          static_cast<uint32_t>(number_at(bytes, 20, 4))};
  require(preamble.header_bytes <= kMaxHeaderBytes && preamble.sections <= kMaxSections &&
              preamble.data_offset() <= bytes.size(),
          ExitCode::kBadInput, name,
          ": the header does not fit the file; it is damaged or cut off");
  return preamble;
}

uint32_t front_checksum(std::string_view numbers, std::string_view header_and_table) {
  return checksum(header_and_table, checksum(numbers));
}

}  // namespace

std::string write_container(std::string_view header, std::span<const std::string> sections) {
  std::string file(kMagic), rest(header);
  append_number(file, kVersion, 4);
  append_number(file, header.size(), 4);
  append_number(file, sections.size(), 4);
  size_t data_bytes = 0;
  for (const std::string& section : sections) {
    append_number(rest, section.size(), 8);
    append_number(rest, checksum(section), 4);
    data_bytes += section.size();
  }
  append_number(file, front_checksum(file, rest), 4);
  file.reserve(file.size() + rest.size() + data_bytes);
  file += rest;
  for (const std::string& section : sections) file += section;
  return file;
}

Container read_container(std::string_view bytes, std::string_view name) {
  const Preamble preamble = read_preamble(bytes, name);
  const size_t table = preamble.table_offset(), data = preamble.data_offset();
  require(front_checksum(bytes.substr(0, 20), bytes.substr(24, data - 24)) == preamble.checksum,
          ExitCode::kBadInput, name, ": the header's checksum does not hold; the file is damaged");
  Container container{std::string(bytes.substr(kPreambleBytes, preamble.header_bytes)), {}};
  std::string_view left = bytes.substr(data);
  for (size_t i = 0; i < preamble.sections; ++i) {
    const uint64_t length = number_at(bytes, table + i * kTableEntryBytes, 8);
    const auto expected =
        static_cast<uint32_t>(number_at(bytes, table + i * kTableEntryBytes + 8, 4));
    require(length <= left.size(), ExitCode::kBadInput, name, ": section ", i, " claims ", length,
            " bytes of ", left.size(), "; the file is damaged or cut off");
    const std::string_view section = left.substr(0, length);
    require(checksum(section) == expected, ExitCode::kBadInput, name, ": the checksum of section ",
            i, " does not hold; the file is damaged");
    container.sections.emplace_back(section);
    left.remove_prefix(length);
  }
  require(left.empty(), ExitCode::kBadInput, name, ": ", left.size(),
          " bytes behind the last section; the file is damaged");
  return container;
}

}  // namespace reprise
