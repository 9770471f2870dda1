#include "eval/report/byte_ledgers.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "eval/report/labelled_file.h"

namespace reprise {
namespace {

using nlohmann::json;

/// The words of a tensor's name but for "layer" and numbers: the first, and the others.
std::pair<std::string, std::string> place_of(const std::string& tensor) {
  std::istringstream words(tensor);
  std::string group, part;
  for (std::string word; std::getline(words, word, '.');) {
    if (word == "layer" || std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; }))
      continue;
    std::string& place = group.empty() ? group : part;
    place += (place.empty() ? "" : " ") + word;
  }
  return {group, part};
}

void add_entry(json& rows, const std::string& artifact, const json& entry) {
  const std::string tensor = entry.value("tensor", ""), cause = entry.at("cause");
  const auto [group, part] = tensor.empty() ? std::pair(cause, std::string()) : place_of(tensor);
  const int64_t bytes = entry.at("bytes"), weights = entry.value("elements", int64_t{0});
  for (auto& row : rows) {
    if (row["artifact"] != artifact || row["group"] != group || row["part"] != part ||
        row["cause"] != cause)
      continue;
    row["bytes"] = row["bytes"].get<int64_t>() + bytes;
    row["weights"] = row["weights"].get<int64_t>() + weights;
    return;
  }
  rows.push_back({{"artifact", artifact},
                  {"group", group},
                  {"part", part},
                  {"cause", cause},
                  {"bytes", bytes},
                  {"weights", weights}});
}

}  // namespace

json byte_rows(const std::vector<std::string>& labelled_files) {
  json rows = json::array();
  for (const auto& word : labelled_files) {
    const LabelledFile file = parse_labelled_file(word);
    const std::string text = read_file(file.path);
    try {
      const json ledger = json::parse(text);
      for (const auto& entry : ledger.at("entries")) add_entry(rows, file.label, entry);
    } catch (const json::exception&) {
      fail(ExitCode::kBadInput, file.path.string(),
           ": not a byte ledger; give the .ledger.json that reprise pack wrote beside an artifact");
    }
  }
  return rows;
}

}  // namespace reprise
