// Where every byte of an artifact went: by tensor and by cause, exact to the byte.
//
// A section that several tensors share is divided among them in proportion to what they put in
// before coding; what the division leaves over goes to the first tensors, a byte each.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "models/artifact/artifact.h"

namespace reprise {

struct LedgerEntry {
  std::string tensor;  ///< empty for what belongs to the file as a whole
  Cause cause = Cause::kCodes;
  int64_t bytes = 0;
  int64_t elements = 0;  ///< weights these bytes stand for
};

class Ledger {
 public:
  /// Of the file `artifact` is saved as, and a code allowance.
  explicit Ledger(const Artifact& artifact, int64_t code_bytes = 0);

  const std::vector<LedgerEntry>& entries() const { return entries_; }
  /// File and allowance: what is held against the cap.
  int64_t counted_bytes() const;

  nlohmann::json to_json() const;
  /// One line a tensor, one a cause, for people; "added" are outliers and residuals.
  std::string to_table() const;

 private:
  std::vector<LedgerEntry> entries_;
};

}  // namespace reprise
