#include "models/artifact/ledger.h"

#include <algorithm>
#include <iomanip>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/artifact/container.h"
#include "models/artifact/header.h"
#include "models/artifact/section.h"

namespace reprise {
namespace {

/// Each part's share of `bytes`, in proportion to its bytes before coding.
std::vector<int64_t> divide(int64_t bytes, const SectionPlan& plan) {
  std::vector<int64_t> shares;
  int64_t left = bytes;
  for (const SectionPart& part : plan.parts) {
    const auto product = static_cast<__int128>(bytes) * part.bytes;  // of gigabytes: beyond 64 bits
    shares.push_back(static_cast<int64_t>(product / plan.bytes));
    left -= shares.back();
  }
  for (size_t i = 0; left > 0; ++i, --left) ++shares[i];
  return shares;
}

struct Row {
  int64_t elements = 0;
  std::map<Cause, int64_t> bytes;
};

int64_t sum_of(const std::map<Cause, int64_t>& bytes) {
  int64_t sum = 0;
  for (const auto& [cause, part] : bytes) sum += part;
  return sum;
}

void print_row(std::ostream& out, size_t name_width, const std::string& name, const Row& row) {
  const auto of = [&](Cause cause) { return row.bytes.contains(cause) ? row.bytes.at(cause) : 0; };
  const int64_t sum = sum_of(row.bytes);
  out << std::left << std::setw(static_cast<int>(name_width)) << name << std::right << std::setw(11)
      << row.elements << std::setw(11) << of(Cause::kCodes) << std::setw(9) << of(Cause::kScales)
      << std::setw(9) << of(Cause::kValues) << std::setw(10) << of(Cause::kCodebooks)
      << std::setw(9) << of(Cause::kOutliers) + of(Cause::kResidual) << std::setw(11) << sum
      << std::setw(8)
      << fixed(row.elements > 0 ? 8.0 * static_cast<double>(sum) / static_cast<double>(row.elements)
                                : 0,
               2)
      << '\n';
}

}  // namespace

Ledger::Ledger(const Artifact& artifact, int64_t code_bytes) {
  const auto header = static_cast<int64_t>(write_header(artifact).size());
  const int64_t gate = gate_bytes(artifact);
  const auto sections = static_cast<int64_t>(artifact.sections.size());
  const int64_t padding = bytes_of_padding(artifact.padding_bytes);
  entries_.push_back({"", Cause::kHeader, header - gate - padding});
  entries_.push_back({"", Cause::kGate, gate});
  if (padding > 0) entries_.push_back({"", Cause::kPadding, padding});
  entries_.push_back({"", Cause::kFraming, kPreambleBytes + sections * kTableEntryBytes});
  const std::vector<SectionPlan> plans =
      plan_sections(artifact.directory, artifact.directory_bytes,
                    static_cast<int64_t>(artifact.tokenizer_model.size()));
  for (size_t i = 0; i < plans.size(); ++i) {
    const auto bytes = static_cast<int64_t>(artifact.sections[i].size());
    const SectionPlan& plan = plans[i];
    if (plan.parts.empty()) {
      entries_.push_back({"", plan.cause, bytes});
      continue;
    }
    const std::vector<int64_t> shares = divide(bytes, plan);
    for (size_t part = 0; part < plan.parts.size(); ++part) {
      const TensorShape& tensor = artifact.directory[plan.parts[part].tensor];
      entries_.push_back({tensor.name, plan.cause, shares[part], tensor.elements()});
    }
  }
  if (code_bytes > 0) entries_.push_back({"", Cause::kDecoder, code_bytes});
}

int64_t Ledger::counted_bytes() const {
  int64_t sum = 0;
  for (const LedgerEntry& entry : entries_) sum += entry.bytes;
  return sum;
}

nlohmann::json Ledger::to_json() const {
  nlohmann::json entries = nlohmann::json::array(), causes = nlohmann::json::object();
  for (const LedgerEntry& entry : entries_) {
    const std::string cause(enum_name(entry.cause));
    entries.push_back({{"tensor", entry.tensor},
                       {"cause", cause},
                       {"bytes", entry.bytes},
                       {"elements", entry.elements}});
    causes[cause] = causes.value(cause, int64_t{0}) + entry.bytes;
  }
  return {{"entries", entries}, {"causes", causes}, {"counted_bytes", counted_bytes()}};
}

std::string Ledger::to_table() const {
  std::vector<std::string> order;
  std::map<std::string, Row> tensors;
  std::map<Cause, int64_t> whole;
  size_t width = 6;
  for (const LedgerEntry& entry : entries_) {
    if (entry.tensor.empty()) {
      whole[entry.cause] += entry.bytes;
      continue;
    }
    if (!tensors.contains(entry.tensor)) order.push_back(entry.tensor);
    tensors[entry.tensor].elements = entry.elements;
    tensors[entry.tensor].bytes[entry.cause] += entry.bytes;
    width = std::max(width, entry.tensor.size());
  }
  std::ostringstream out;
  out << std::left << std::setw(static_cast<int>(width)) << "tensor" << std::right
      << "    weights      codes   scales   values codebooks    added      bytes  bits/w\n";
  Row all;
  for (const std::string& name : order) {
    print_row(out, width, name, tensors[name]);
    all.elements += tensors[name].elements;
    for (const auto& [cause, bytes] : tensors[name].bytes) all.bytes[cause] += bytes;
  }
  print_row(out, width, "weights", all);
  for (const auto& [cause, bytes] : whole)
    out << std::left << std::setw(static_cast<int>(width)) << enum_name(cause) << std::right
        << std::setw(70) << bytes << '\n';
  out << std::left << std::setw(static_cast<int>(width)) << "counted" << std::right << std::setw(70)
      << counted_bytes() << '\n';
  return std::move(out).str();
}

}  // namespace reprise
