// How a split is cut into work. The cut depends on the corpus and on options alone, never on the
// number of ranks, so that every prediction is computed by the same arithmetic wherever it runs.
//
//   split -> units (consecutive documents) -> windows (input positions of one document) -> batches
//   of windows
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/corpus.h"

namespace reprise {

/// Documents [first, first + count) of the split, scored together by one rank.
struct WorkUnit {
  int64_t first_document = 0, documents = 0;
};

/// Consecutive documents up to the first that brings a unit to `unit_tokens` tokens.
std::vector<WorkUnit> plan_units(std::span<const Document> documents, int64_t unit_tokens);

/// Inputs [first, first + length) of one document. The prediction behind input i is for the
/// document's token i + 1; those behind inputs from `scored` on are scored here, the ones before
/// were in an earlier window.
struct Window {
  int64_t document = 0;  ///< of the unit
  int64_t first = 0, length = 0, scored = 0;
  bool operator==(const Window&) const = default;
};

struct WindowOptions {
  int64_t length = 512;  ///< longest window
  int64_t stride = 256;  ///< step between windows of a long document; at most length
};

/// Windows that score tokens 1 .. tokens - 1 of a document once each, in order. The last one is
/// moved back so that it is full: its predictions have as much context as a window can give.
std::vector<Window> plan_windows(int64_t document, int64_t tokens, const WindowOptions& options);

/// Windows in batches of similar length, longest first; each batch holds at most `batch_tokens`
/// padded tokens, or one window.
std::vector<std::vector<Window>> plan_batches(std::vector<Window> windows, int64_t batch_tokens);

}  // namespace reprise
