#include "models/artifact/section.h"

namespace reprise {
namespace {

SectionPlan pooled_section(const Directory& directory, Cause cause, int64_t element_bytes) {
  SectionPlan plan{.cause = cause, .bytes = 0, .element_bytes = element_bytes};
  for (size_t tensor = 0; tensor < directory.size(); ++tensor) {
    const std::vector<StreamLayout> streams = directory[tensor].streams();
    for (size_t stream = 0; stream < streams.size(); ++stream) {
      if (streams[stream].cause != cause || streams[stream].element_bytes != element_bytes)
        continue;
      plan.parts.push_back({tensor, stream, streams[stream].bytes});
      plan.bytes += streams[stream].bytes;
    }
  }
  return plan;
}

void append_if_any(std::vector<SectionPlan>& sections, SectionPlan plan) {
  if (plan.bytes > 0) sections.push_back(std::move(plan));
}

void append_codes(std::vector<SectionPlan>& sections, const TensorShape& shape, size_t tensor) {
  const std::vector<StreamLayout> streams = shape.streams();
  for (size_t stream = 0; stream < streams.size(); ++stream) {
    const StreamLayout& layout = streams[stream];
    if (layout.cause == Cause::kCodes)
      append_if_any(sections, {.cause = Cause::kCodes,
                               .bytes = layout.bytes,
                               .row_bytes = layout.row_bytes,
                               .parts = {{tensor, stream, layout.bytes}}});
  }
}

}  // namespace

std::vector<SectionPlan> plan_sections(const Directory& directory, int64_t directory_bytes,
                                       int64_t tokenizer_bytes) {
  std::vector<SectionPlan> sections;
  append_if_any(sections, {.cause = Cause::kDirectory, .bytes = directory_bytes});
  for (const Cause cause :
       {Cause::kValues, Cause::kScales, Cause::kCodebooks, Cause::kOutliers, Cause::kResidual})
    for (const int64_t element_bytes : {1, 2, 4})
      append_if_any(sections, pooled_section(directory, cause, element_bytes));
  for (size_t tensor = 0; tensor < directory.size(); ++tensor)
    append_codes(sections, directory[tensor], tensor);
  append_if_any(sections, {.cause = Cause::kTokenizer, .bytes = tokenizer_bytes});
  return sections;
}

std::string encode_section(const SectionPlan& plan, std::string_view bytes, Coder coder) {
  std::string section(1, static_cast<char>(coder));
  return section += encode(coder, shuffle_bytes(bytes, plan.element_bytes), plan.row_bytes);
}

std::string encode_section(const SectionPlan& plan, std::string_view bytes) {
  const std::string shuffled = shuffle_bytes(bytes, plan.element_bytes);
  std::string best = shuffled;
  Coder coder = Coder::kStored;
  for (const auto& [candidate, name] : EnumNames<Coder>::names) {
    std::string coded = encode(candidate, shuffled, plan.row_bytes);
    if (coded.size() >= best.size()) continue;
    best = std::move(coded);
    coder = candidate;
  }
  return best.insert(0, 1, static_cast<char>(coder));
}

Coder coder_of_section(std::string_view section) {
  require(!section.empty(), ExitCode::kBadInput, "an empty section");
  const auto number = static_cast<uint8_t>(section[0]);
  require(number < EnumNames<Coder>::names.size(), ExitCode::kBadInput, "an unknown coder, ",
          static_cast<int>(number));
  return static_cast<Coder>(number);
}

std::string decode_section(const SectionPlan& plan, std::string_view section) {
  const Coder coder = coder_of_section(section);
  return unshuffle_bytes(decode(coder, section.substr(1), plan.bytes, plan.row_bytes),
                         plan.element_bytes);
}

}  // namespace reprise
