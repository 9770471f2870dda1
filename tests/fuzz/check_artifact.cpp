#include "tests/fuzz/check_artifact.h"

#include <algorithm>
#include <stdexcept>

#include "base/error.h"
#include "models/artifact/artifact.h"
#include "models/artifact/ledger.h"

namespace reprise {
namespace {

constexpr std::string_view kName = "fuzzed";
/// More than a line of a terminal or two is no line.
constexpr size_t kLongestLine = 600;

void expect(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error(what);
}

void check_refusal(const Error& error) {
  const std::string_view line = error.what();
  expect(error.code() == ExitCode::kBadInput, concat("not kBadInput: ", line));
  expect(line.starts_with(kName), concat("a refusal that does not say of what: ", line));
  expect(line.size() <= kLongestLine, concat("a refusal of ", line.size(), " bytes"));
  expect(std::ranges::none_of(line, [](unsigned char c) { return c < ' ' || c == 127; }),
         concat("a refusal that is not one line: ", line));
}

void check_artifact(const Artifact& artifact, std::string_view bytes) {
  expect(serialise(artifact) == bytes, "saving does not give what was loaded");
  const Ledger ledger(artifact);
  expect(ledger.counted_bytes() == static_cast<int64_t>(bytes.size()),
         "the ledger does not sum to the file");
  expect(!ledger.to_table().empty() && !ledger.to_json().empty(), "a ledger that says nothing");
  expect(artifact.tensors.size() == artifact.directory.size(), "tensors that were not listed");
  for (size_t i = 0; i < artifact.tensors.size(); ++i)
    expect(
        static_cast<int64_t>(artifact.tensors[i].values.size()) == artifact.directory[i].elements(),
        "a tensor that is not of its shape");
}

}  // namespace

bool loads_soundly(std::string_view bytes) {
  Artifact artifact;
  try {
    artifact = parse_artifact(bytes, kName);
  } catch (const Error& error) {
    check_refusal(error);
    return false;
  }
  check_artifact(artifact, bytes);
  return true;
}

}  // namespace reprise
