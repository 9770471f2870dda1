// What the decoder's code is counted with: a number of bytes given, or a file of it, compressed.
#pragma once

#include <nlohmann/json.hpp>

#include "base/comm/communicator.h"
#include "models/artifact/packing/options.h"

namespace reprise {

struct CountedCode {
  /// Those given, with the code's length in place of its file.
  PackOptions options;
  /// {"file", "bytes", "sha256", "coder", "compressed_bytes"} for the summary; null without a file.
  nlohmann::json record;
};

/// Compresses the file that `options` may name by the coder that makes it shortest; rank 0 reads.
/// Throws on every rank: kBadInput where the file cannot be read or is empty, kUsage where it
/// leaves nothing of the target.
CountedCode count_code(const PackOptions& options, Communicator& comm);

}  // namespace reprise
