#include "tests/fuzz/mutate_artifact.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "models/artifact/artifact.h"
#include "models/artifact/section.h"

namespace reprise {
namespace {

uint64_t number_at(std::string_view bytes, size_t offset, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width && offset + i < bytes.size(); ++i)
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[offset + i])) << 8 * i;
  return value;
}

std::string_view part_of(std::string_view bytes, size_t offset, uint64_t length) {
  return offset < bytes.size() ? bytes.substr(offset, length) : std::string_view();
}

/// The draws of one mutation.
class Draws {
 public:
  explicit Draws(uint64_t seed) : stream_(seed, Purpose::kTest) {}
  uint64_t below(uint64_t bound) { return stream_.below(position_++, bound); }

 private:
  RandomStream stream_;
  uint64_t position_ = 0;
};

/// `bytes` after `mutate`, with room to grow by half and 64.
std::string mutated(std::string bytes, const MutateBytes& mutate) {
  const size_t size = bytes.size();
  bytes.resize(size + size / 2 + 64);
  bytes.resize(mutate(reinterpret_cast<uint8_t*>(bytes.data()), size, bytes.size()));
  return bytes;
}

void mutate_directory(Container& container, const Artifact& artifact, const MutateBytes& mutate) {
  put_directory(container, mutated(write_directory(artifact.directory), mutate));
}

void mutate_section(Container& container, Draws& draws, const MutateBytes& mutate) {
  if (container.sections.empty()) return;
  std::string& section = container.sections[draws.below(container.sections.size())];
  section = mutated(std::move(section), mutate);
}

/// Other contents of the right length, in any coder's form: what reaches the quantisers.
void mutate_contents(Container& container, const Artifact& artifact, Draws& draws,
                     const MutateBytes& mutate) {
  const std::vector<SectionPlan> plans =
      plan_sections(artifact.directory, artifact.directory_bytes,
                    static_cast<int64_t>(artifact.tokenizer_model.size()));
  const size_t i = draws.below(plans.size());
  std::string contents = mutated(decode_section(plans[i], artifact.sections[i]), mutate);
  contents.resize(static_cast<size_t>(plans[i].bytes));
  const auto& coders = EnumNames<Coder>::names;
  container.sections[i] =
      encode_section(plans[i], contents, coders[draws.below(coders.size())].first);
}

void rearrange_sections(Container& container, Draws& draws) {
  auto& sections = container.sections;
  if (sections.empty()) return;
  const size_t one = draws.below(sections.size()), other = draws.below(sections.size());
  switch (draws.below(3)) {
    case 0:
      sections.erase(sections.begin() + static_cast<ptrdiff_t>(one));
      break;
    case 1:
      sections.push_back(sections[one]);
      break;
    default:
      std::swap(sections[one], sections[other]);
  }
}

/// The artifact that `file` is, or one without sections.
Artifact parsed_or_empty(std::string_view file) {
  try {
    return parse_artifact(file, "mutated");
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

Container split_artifact(std::string_view bytes) {
  const uint64_t header_bytes = std::min<uint64_t>(number_at(bytes, 12, 4), bytes.size());
  const uint64_t sections = std::min<uint64_t>(number_at(bytes, 16, 4), 64);
  const size_t table = kPreambleBytes + header_bytes;
  Container container{std::string(part_of(bytes, kPreambleBytes, header_bytes)), {}};
  size_t offset = table + sections * kTableEntryBytes;
  for (size_t i = 0; i < sections && offset < bytes.size(); ++i) {
    const std::string_view section =
        part_of(bytes, offset, number_at(bytes, table + i * kTableEntryBytes, 8));
    container.sections.emplace_back(section);
    offset += section.size();
  }
  return container;
}

std::string join_artifact(Container container) {
  constexpr std::string_view kBefore = R"({"digest":")";
  constexpr size_t kDigestLetters = 64;
  const bool has_place = container.header.starts_with(kBefore) &&
                         container.header.size() >= kBefore.size() + kDigestLetters;
  if (has_place)
    container.header.replace(kBefore.size(), kDigestLetters, sections_digest(container.sections));
  return write_container(container.header, container.sections);
}

void put_directory(Container& container, const std::string& text) {
  const auto bytes = static_cast<int64_t>(text.size());
  nlohmann::json header = nlohmann::json::parse(container.header, nullptr, false);
  if (!header.is_object() || container.sections.empty()) return;
  header["directory_bytes"] = bytes;
  container.header = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  container.sections[0] =
      encode_section({.cause = Cause::kDirectory, .bytes = bytes}, text, Coder::kStored);
}

std::string mutate_artifact(std::string_view file, size_t max_size, uint64_t seed,
                            const MutateBytes& mutate) {
  Draws draws(seed);
  const uint64_t kind = draws.below(10);
  if (kind == 0) return mutated(std::string(file), mutate).substr(0, max_size);
  if (kind == 1)
    return join_artifact(split_artifact(mutated(std::string(file), mutate))).substr(0, max_size);
  Container container = split_artifact(file);
  const Artifact artifact = kind >= 6 ? parsed_or_empty(file) : Artifact();
  if (kind == 2) {
    container.header = mutated(container.header, mutate);
  } else if (kind == 3) {
    rearrange_sections(container, draws);
  } else if (artifact.sections.empty()) {
    mutate_section(container, draws, mutate);
  } else if (kind < 8) {
    mutate_directory(container, artifact, mutate);
  } else {
    mutate_contents(container, artifact, draws, mutate);
  }
  return join_artifact(std::move(container)).substr(0, max_size);
}

}  // namespace reprise
