// The documents a second pass changed most, token by token, for the heat-map.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "data/tokenizer.h"
#include "eval/trace/reader.h"

namespace reprise {

struct ChangedOptions {
  int64_t documents = 8;  ///< half of them helped, half harmed, where there are as many
  int64_t tokens = 600;   ///< of one document at most: those in a row that changed most
};

/// A list of documents, the most helped first and the most harmed last, ordered by bits per byte of
/// nll_gated − nll_base: {hash, domain, tokens, total_bytes, change_bits, change_bpb, position of
/// the first token shown} and a column for each of pieces, base, gated, all, random (nats),
/// entropy, refined, passes, bytes, slices, and static where `static_arm` is given. Throws
/// kInvalidTrace where the tokenizer is not the traces' own or the arms are not of the same tokens.
nlohmann::json changed_documents(const Trace& recurrent, const Trace* static_arm,
                                 const Tokenizer& tokenizer, const ChangedOptions& options);

}  // namespace reprise
