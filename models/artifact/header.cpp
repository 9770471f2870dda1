#include "models/artifact/header.h"

#include <charconv>
#include <cmath>

#include "models/artifact/json.h"

namespace reprise {
namespace {

constexpr size_t kFixedWidth = 23, kHexDigest = 64;

nlohmann::json gate_json(const GateRule& gate) {
  const std::string unset(kHexDigest, '0');
  require(gate.calibrated_on.empty() || gate.calibrated_on.size() == kHexDigest, ExitCode::kUsage,
          "the gate's text must be named by a SHA-256 in hex, not '", gate.calibrated_on, "'");
  nlohmann::json json = {
      {"signal", gate.signal},
      {"threshold", fixed_width(gate.threshold)},
      {"fraction", fixed_width(gate.fraction)},
      {"calibrated_on", gate.calibrated_on.empty() ? unset : gate.calibrated_on}};
  if (gate.keys != KeyRule::kCoarse) json["keys"] = enum_name(gate.keys);
  if (!gate.head_reads.empty()) json["head_reads"] = gate.head_reads;
  return json;
}

/// The default is not written.
KeyRule read_keys(const nlohmann::json& json) {
  if (!json.contains("keys")) return KeyRule::kCoarse;
  const auto stored = json.at("keys").get<std::string>();
  for (const auto& [rule, name] : EnumNames<KeyRule>::names)
    if (name == stored && rule != KeyRule::kCoarse) return rule;
  fail(ExitCode::kBadInput, "the gate's rule '", stored, "' is unknown, or is not written down");
}

/// Only a gate by a head says what that reads.
std::string read_head_reads(const nlohmann::json& json) {
  const bool there = json.contains("head_reads");
  require(there == (json.at("signal") == "head"), ExitCode::kBadInput,
          "a gate by a head says what that reads, and no other does");
  return there ? json.at("head_reads").get<std::string>() : "";
}

GateRule read_gate(const nlohmann::json& json) {
  GateRule gate{json.at("signal").get<std::string>(),
                parse_fixed_width(json.at("threshold").get<std::string>()),
                parse_fixed_width(json.at("fraction").get<std::string>()),
                json.at("calibrated_on").get<std::string>(),
                read_keys(json),
                read_head_reads(json)};
  const size_t fields =
      size_t{4} + (gate.keys == KeyRule::kCoarse ? 0 : 1) + (gate.head_reads.empty() ? 0 : 1);
  require(json.size() == fields, ExitCode::kBadInput, "the gate has ", json.size(), " fields");
  require(0 <= gate.fraction && gate.fraction <= 1, ExitCode::kBadInput,
          "the gate's fraction is no share: ", gate.fraction);
  require(gate.calibrated_on.size() == kHexDigest &&
              gate.calibrated_on.find_first_not_of("0123456789abcdef") == std::string::npos,
          ExitCode::kBadInput, "the gate's text is not named by a SHA-256: '", gate.calibrated_on,
          "'");
  if (gate.calibrated_on == std::string(kHexDigest, '0')) gate.calibrated_on.clear();
  return gate;
}

int64_t read_length(const nlohmann::json& json) {
  const int64_t length = json.is_number_unsigned() ? json.get<int64_t>() : -1;
  require(length >= 0, ExitCode::kBadInput, "a length in the header is not a number of bytes");
  return length;
}

int64_t read_padding(const nlohmann::json& header) {
  if (!header.contains("padding")) return 0;
  const auto padding = header.at("padding").get<std::string>();
  require(!padding.empty() && padding.find_first_not_of('0') == std::string::npos,
          ExitCode::kBadInput, "the header's padding holds something");
  return static_cast<int64_t>(padding.size());
}

nlohmann::json header_json(const Artifact& artifact) {
  nlohmann::json header = {
      {"model", artifact.model},
      {"tokenizer", artifact.tokenizer},
      {"gate", gate_json(artifact.gate)},
      {"digest", artifact.digest},
      {"directory_bytes", artifact.directory_bytes},
      {"tokenizer_bytes", artifact.tokenizer_model.size()},
  };
  if (artifact.padding_bytes > 0)
    header["padding"] = std::string(static_cast<size_t>(artifact.padding_bytes), '0');
  return header;
}

}  // namespace

int64_t bytes_of_padding(int64_t zeros) {
  constexpr std::string_view kField = R"("padding":"",)";
  return zeros > 0 ? static_cast<int64_t>(kField.size()) + zeros : 0;
}

std::string fixed_width(double value) {
  require(std::isfinite(value), ExitCode::kUsage, "a gate cannot store the number ", value);
  char digits[kFixedWidth + 8];
  char* first = digits;
  if (!std::signbit(value)) *first++ = '+';
  const auto written =
      std::to_chars(first, std::end(digits), value, std::chars_format::scientific, 16);
  std::string text(digits, written.ptr);
  require(text.size() == kFixedWidth, ExitCode::kUsage, "a gate cannot store the number ", value,
          ": its exponent has three digits");
  return text;
}

double parse_fixed_width(std::string_view text) {
  double value = 0;
  const size_t skip = text.starts_with('+') ? 1 : 0;
  const auto read = std::from_chars(text.data() + skip, text.data() + text.size(), value);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  require(whole && std::isfinite(value) && text == fixed_width(value), ExitCode::kBadInput, "'",
          text, "' is not a number of the gate's form");
  return value;
}

std::string write_header(const Artifact& artifact) { return header_json(artifact).dump(); }

int64_t gate_bytes(const Artifact& artifact) {
  nlohmann::json header = header_json(artifact);
  const size_t whole = header.dump().size();
  header.erase("gate");
  return static_cast<int64_t>(whole - header.dump().size());
}

int64_t read_header(std::string_view text, Artifact& artifact) {
  const nlohmann::json header = parse_canonical_json(text);
  artifact.padding_bytes = read_padding(header);
  require(header.size() == (artifact.padding_bytes > 0 ? 7 : 6), ExitCode::kBadInput,
          "the header has ", header.size(), " fields");
  artifact.model = header.at("model");
  artifact.tokenizer = header.at("tokenizer").get<std::string>();
  artifact.gate = read_gate(header.at("gate"));
  artifact.digest = header.at("digest").get<std::string>();
  artifact.directory_bytes = read_length(header.at("directory_bytes"));
  return read_length(header.at("tokenizer_bytes"));
}

}  // namespace reprise
