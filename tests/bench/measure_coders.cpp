// What every coder makes of the code sections of an artifact, as JSON: for tests/bench/coders.py.
//
//   measure_coders FILE
#include <time.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>
#include <span>

#include "models/artifact/artifact.h"
#include "models/artifact/section.h"

namespace {

using namespace reprise;

/// Of this thread: what others do on the machine is not counted.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct CodeSection {
  size_t index = 0;
  SectionPlan plan;
  std::string bytes;
};

std::vector<CodeSection> code_sections(const Artifact& artifact) {
  std::vector<CodeSection> found;
  const std::vector<SectionPlan> plans =
      plan_sections(artifact.directory, artifact.directory_bytes,
                    static_cast<int64_t>(artifact.tokenizer_model.size()));
  for (size_t i = 0; i < plans.size(); ++i)
    if (plans[i].cause == Cause::kCodes)
      found.push_back({i, plans[i], decode_section(plans[i], artifact.sections[i])});
  return found;
}

double entropy_bits(const std::string& bytes) {
  std::array<double, 256> counts{};
  for (const char byte : bytes) ++counts[static_cast<uint8_t>(byte)];
  double bits = 0;
  for (const double count : counts)
    if (count > 0) bits += count * std::log2(static_cast<double>(bytes.size()) / count);
  return bits;
}

/// Of the codes under tables that cost nothing, one for each of eight groups of rows of like mean
/// square.
double grouped_entropy_bits(const CodeSection& section) {
  constexpr size_t kGroups = 8;
  const auto columns = static_cast<size_t>(section.plan.row_bytes);
  std::vector<std::pair<double, std::string>> rows;
  for (size_t at = 0; at < section.bytes.size(); at += columns) {
    rows.emplace_back(0, section.bytes.substr(at, columns));
    for (const char byte : rows.back().second) {
      const double code = static_cast<signed char>(byte);
      rows.back().first += code * code;
    }
  }
  std::ranges::sort(rows);
  std::array<std::string, kGroups> groups;
  for (size_t i = 0; i < rows.size(); ++i) groups[i * kGroups / rows.size()] += rows[i].second;
  return std::accumulate(groups.begin(), groups.end(), 0.0,
                         [](double sum, const auto& group) { return sum + entropy_bits(group); });
}

/// The code sections by one coder, and how fast it was.
struct Coded {
  Coder coder = Coder::kStored;
  std::vector<std::string> sections = {};
  double encode_s = 0, decode_s = 0;
};

Coded code_all(const std::vector<CodeSection>& sections, Coder coder) {
  Coded all{.coder = coder};
  for (const CodeSection& section : sections) {
    const double begin = cpu_seconds();
    all.sections.push_back(encode_section(section.plan, section.bytes, coder));
    const double middle = cpu_seconds();
    const bool same = decode_section(section.plan, all.sections.back()) == section.bytes;
    all.decode_s += cpu_seconds() - middle;
    all.encode_s += middle - begin;
    require(same, ExitCode::kFailure, enum_name(coder), " does not give back what it was given");
  }
  return all;
}

/// With the shortest of these forms of each section.
Artifact with_best(Artifact artifact, const std::vector<CodeSection>& sections,
                   std::span<const Coded> coders) {
  for (size_t i = 0; i < sections.size(); ++i) {
    const auto best = std::ranges::min_element(
        coders, {}, [&](const Coded& coded) { return coded.sections[i].size(); });
    artifact.sections[sections[i].index] = best->sections[i];
  }
  return artifact;
}

void run(const char* path) {
  const Artifact artifact = load_artifact(path);
  const std::vector<CodeSection> sections = code_sections(artifact);
  std::vector<Coded> all;
  for (const auto& [coder, name] : EnumNames<Coder>::names)
    all.push_back(code_all(sections, coder));
  const auto file_bytes = [&](std::span<const Coded> coders) {
    return serialise(with_best(artifact, sections, coders)).size();
  };
  const Artifact best = with_best(artifact, sections, all);
  double tensor_bits = 0, group_bits = 0, coded_bits = 0, weights = 0;
  for (const CodeSection& section : sections) {
    tensor_bits += entropy_bits(section.bytes);
    group_bits += grouped_entropy_bits(section);
    coded_bits += 8 * static_cast<double>(best.sections[section.index].size());
    weights += static_cast<double>(section.plan.bytes);
  }
  nlohmann::json coders;
  for (const Coded& coded : all)
    coders[std::string(enum_name(coded.coder))] = {
        {"file_bytes", file_bytes(std::span(&coded, 1))},
        {"encode_mb_per_s", 1e-6 * weights / coded.encode_s},
        {"decode_mb_per_s", 1e-6 * weights / coded.decode_s}};
  const auto ours = std::ranges::find(all, Coder::kRans, &Coded::coder) - all.begin();
  const nlohmann::json measured = {
      {"code_weights", weights},
      {"coded_bits", coded_bits / weights},
      {"entropy_bits_by_tensor", tensor_bits / weights},
      {"entropy_bits_by_row_group", group_bits / weights},
      {"file_bytes_best_library", file_bytes(std::span(all).first(static_cast<size_t>(ours)))},
      {"file_bytes_best", file_bytes(all)},
      {"coders", coders}};
  std::cout << measured.dump() << "\n";
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: measure_coders FILE\n";
    return 2;
  }
  try {
    run(words[1]);
  } catch (const std::exception& error) {
    std::cerr << "measure_coders: " << error.what() << "\n";
    return 1;
  }
}
