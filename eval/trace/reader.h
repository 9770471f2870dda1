// Reads a trace and refuses one whose contents contradict themselves.
//
//   const Trace trace = read_trace(path);           // everything, validated
//   const TraceReader reader(path);                 // or piece by piece
//   const DocumentColumns documents = reader.documents();
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/hdf5/file.h"
#include "eval/trace/attributes.h"
#include "eval/trace/columns.h"

namespace reprise {

/// A whole trace in memory: about 50 bytes a token.
struct Trace {
  TraceAttributes attributes;
  Passes passes = Passes::kBaseOnly;
  TokenColumns tokens;
  DocumentColumns documents;
};

class TraceReader {
 public:
  /// Throws kBadInput where the file is missing or no readable HDF5, kInvalidTrace where it is no
  /// trace of this schema.
  explicit TraceReader(const std::filesystem::path& path);

  const TraceAttributes& attributes() const { return attributes_; }
  Passes passes() const { return recorded_.passes; }
  const Recorded& recorded() const { return recorded_; }
  int64_t token_count() const { return tokens_; }
  int64_t document_count() const { return documents_; }

  TokenColumns tokens() const { return tokens(0, tokens_); }
  TokenColumns tokens(int64_t first, int64_t count) const;  ///< rows [first, first + count)
  DocumentColumns documents() const;

 private:
  hdf5::File file_;
  TraceAttributes attributes_;
  Recorded recorded_;
  int64_t tokens_, documents_;
};

/// Reads all and validates (validate.h).
Trace read_trace(const std::filesystem::path& path);

}  // namespace reprise
