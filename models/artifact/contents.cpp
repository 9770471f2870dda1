#include "models/artifact/contents.h"

#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/artifact/section.h"

namespace reprise {
namespace {

std::vector<SectionPlan> plans_of(const Artifact& artifact) {
  return plan_sections(artifact.directory, artifact.directory_bytes,
                       static_cast<int64_t>(artifact.tokenizer_model.size()));
}

double bits_a_weight(int64_t bytes, const TensorShape& tensor) {
  return 8.0 * static_cast<double>(bytes) / static_cast<double>(tensor.elements());
}

bool gate_is_set(const GateRule& gate) { return !gate.calibrated_on.empty(); }

nlohmann::json gate_of(const GateRule& gate) {
  if (!gate_is_set(gate)) return nullptr;
  nlohmann::json json{{"signal", gate.signal},
                      {"threshold", gate.threshold},
                      {"fraction", gate.fraction},
                      {"calibrated_on", gate.calibrated_on},
                      {"keys", enum_name(gate.keys)}};
  if (!gate.head_reads.empty()) json["head_reads"] = gate.head_reads;
  return json;
}

nlohmann::json header_of(const Artifact& artifact) {
  return {{"digest", artifact.digest},
          {"model", artifact.model},
          {"tokenizer", artifact.tokenizer},
          {"tokenizer_bytes", artifact.tokenizer_model.size()},
          {"directory_bytes", artifact.directory_bytes},
          {"gate", gate_of(artifact.gate)}};
}

/// What the form has beside its scheme, as the directory says it.
nlohmann::json added_to(Form form) {
  nlohmann::json added = nlohmann::json::object();
  form.visit([&](const char* name, int64_t value) {
    if (value != 0) added[name] = value;
  });
  return added;
}

nlohmann::json nominal_of(const TensorContents& contents, const PackingFacts& facts) {
  const auto found = facts.nominal_bits.find(contents.tensor.name);
  return found == facts.nominal_bits.end() ? nlohmann::json() : nlohmann::json(found->second);
}

std::string header_text(const Artifact& artifact) {
  const GateRule& gate = artifact.gate;
  const auto plain = [](const std::string& words) {  // whatever a file says, on a terminal
    std::string text = words;
    std::ranges::replace_if(
        text, [](char c) { return c < ' ' || c > '~'; }, '?');
    return text;
  };
  std::string text =
      concat("digest     ", artifact.digest, "\ntokenizer  ", plain(artifact.tokenizer),
             artifact.tokenizer_model.empty() ? ", not carried" : ", carried");
  text += gate_is_set(gate) ? concat("\ngate       refines where ", plain(gate.signal), " > ",
                                     nlohmann::json(gate.threshold).dump(), ", ",
                                     nlohmann::json(gate.fraction).dump(), " of the tokens of ",
                                     gate.calibrated_on)
                            : "\ngate       none set";
  text += "\nmodel     ";
  if (!artifact.model.is_object()) return concat(text, ' ', plain(artifact.model.dump()), '\n');
  constexpr size_t kWidth = 100;
  size_t column = 10;
  for (const auto& [key, value] : artifact.model.items()) {
    const std::string word = concat(
        ' ', plain(key), '=', plain(value.is_string() ? value.get<std::string>() : value.dump()));
    if (column + word.size() > kWidth) {
      text += "\n          ";
      column = 10;
    }
    text += word;
    column += word.size();
  }
  return text + '\n';
}

std::string whose(const SectionContents& section) {
  if (section.tensors.empty()) return "";
  if (section.tensors.size() == 1) return section.tensors[0];
  return concat(section.tensors.size(), " tensors");
}

std::string sections_text(const std::vector<SectionContents>& sections) {
  std::ostringstream out;
  out << "section  cause      coder           decoded      coded  of\n";
  for (size_t i = 0; i < sections.size(); ++i)
    out << std::right << std::setw(7) << i << "  " << std::left << std::setw(11)
        << enum_name(sections[i].cause) << std::setw(12) << enum_name(sections[i].coder)
        << std::right << std::setw(11) << sections[i].decoded_bytes << std::setw(11)
        << sections[i].coded_bytes << "  " << whose(sections[i]) << '\n';
  return std::move(out).str();
}

std::string tensors_text(const std::vector<TensorContents>& tensors, const PackingFacts& facts) {
  size_t width = 6;
  for (const TensorContents& contents : tensors)
    width = std::max(width, contents.tensor.name.size());
  std::ostringstream out;
  out << std::left << std::setw(static_cast<int>(width)) << "tensor"
      << "  scheme      nominal  decoded    coded  bits a weight; shape\n";
  for (const TensorContents& contents : tensors) {
    const nlohmann::json nominal = nominal_of(contents, facts);
    out << std::left << std::setw(static_cast<int>(width)) << contents.tensor.name << "  "
        << std::setw(10) << enum_name(contents.tensor.form.scheme) << std::right << std::setw(9)
        << (nominal.is_null() ? "-" : fixed(nominal.get<double>(), 2)) << std::setw(9)
        << fixed(contents.decoded_bits, 2) << std::setw(9) << fixed(contents.coded_bits, 2) << "  "
        << nlohmann::json(contents.tensor.shape).dump();
    const nlohmann::json added = added_to(contents.tensor.form);
    for (const auto& [name, value] : added.items()) out << ' ' << name << '=' << value;
    out << '\n';
  }
  return std::move(out).str();
}

}  // namespace

std::vector<SectionContents> sections_of(const Artifact& artifact) {
  std::vector<SectionContents> sections;
  for (const SectionPlan& plan : plans_of(artifact)) {
    const std::string& coded = artifact.sections[sections.size()];
    SectionContents section{
        plan.cause, {}, coder_of_section(coded), static_cast<int64_t>(coded.size()), plan.bytes};
    for (const SectionPart& part : plan.parts)
      section.tensors.push_back(artifact.directory[part.tensor].name);
    sections.push_back(std::move(section));
  }
  return sections;
}

std::vector<TensorContents> tensors_of(const Artifact& artifact) {
  std::map<std::string, int64_t> coded, decoded;
  const Ledger ledger(artifact);
  for (const LedgerEntry& entry : ledger.entries()) coded[entry.tensor] += entry.bytes;
  for (const SectionPlan& plan : plans_of(artifact))
    for (const SectionPart& part : plan.parts)
      decoded[artifact.directory[part.tensor].name] += part.bytes;
  std::vector<TensorContents> tensors;
  for (const TensorShape& tensor : artifact.directory)
    tensors.push_back({tensor, bits_a_weight(decoded[tensor.name], tensor),
                       bits_a_weight(coded[tensor.name], tensor)});
  return tensors;
}

nlohmann::json contents_json(const Artifact& artifact, const PackingFacts& facts) {
  nlohmann::json sections = nlohmann::json::array(), tensors = nlohmann::json::array();
  for (const SectionContents& section : sections_of(artifact))
    sections.push_back({{"cause", enum_name(section.cause)},
                        {"tensors", section.tensors},
                        {"coder", enum_name(section.coder)},
                        {"decoded_bytes", section.decoded_bytes},
                        {"coded_bytes", section.coded_bytes}});
  for (const TensorContents& contents : tensors_of(artifact))
    tensors.push_back({{"name", contents.tensor.name},
                       {"scheme", enum_name(contents.tensor.form.scheme)},
                       {"added", added_to(contents.tensor.form)},
                       {"shape", contents.tensor.shape},
                       {"weights", contents.tensor.elements()},
                       {"nominal_bits", nominal_of(contents, facts)},
                       {"decoded_bits", contents.decoded_bits},
                       {"coded_bits", contents.coded_bits}});
  return {{"header", header_of(artifact)},
          {"ledger", Ledger(artifact, facts.code_bytes).to_json()},
          {"sections", sections},
          {"tensors", tensors}};
}

std::string contents_text(const Artifact& artifact, const PackingFacts& facts) {
  return concat(header_text(artifact), '\n', Ledger(artifact, facts.code_bytes).to_table(), '\n',
                sections_text(sections_of(artifact)), '\n',
                tensors_text(tensors_of(artifact), facts));
}

}  // namespace reprise
