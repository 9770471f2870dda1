// Writes one trace file: columns in blocks, then the attributes. docs/trace.md gives the layout.
//
//   TraceWriter writer(path, Passes::kRefined);
//   writer.append(tokens, documents);   // as often as there are blocks
//   writer.close(attributes);
//
// The file at `path` is what it is while it is written: for one that must be whole or absent, write
// through replace_file() (base/file.h) or call write_trace().
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "base/hdf5/column.h"
#include "base/hdf5/file.h"
#include "eval/trace/attributes.h"
#include "eval/trace/columns.h"

namespace reprise {

class TraceWriter {
 public:
  TraceWriter(const std::filesystem::path& path, const Recorded& recorded);

  /// Rows behind those already there. `document` and `first_token` count from this block's first
  /// row; the writer shifts them. Throws kFailure where the block's columns differ in length.
  void append(const TokenColumns& tokens, const DocumentColumns& documents);

  void close(const TraceAttributes& attributes);

 private:
  hdf5::File file_;
  std::vector<std::function<void(const TokenColumns&)>> token_columns_;
  std::vector<std::function<void(const DocumentColumns&)>> document_columns_;
  int64_t tokens_ = 0, documents_ = 0;
};

/// A whole trace at once, whole or absent.
void write_trace(const std::filesystem::path& path, const Recorded& recorded,
                 const TokenColumns& tokens, const DocumentColumns& documents,
                 const TraceAttributes& attributes);

}  // namespace reprise
