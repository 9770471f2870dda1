// The JSON header of an artifact: what the model is, who may read it, when it refines.
#pragma once

#include <string>
#include <string_view>

#include "models/artifact/artifact.h"

namespace reprise {

/// The gate's numbers are text of a fixed width, so that setting them moves no byte behind them.
std::string write_header(const Artifact& artifact);

/// What of the header says when to refine: the gate's field, signal, threshold and all.
int64_t gate_bytes(const Artifact& artifact);

/// Fills model, tokenizer, gate, digest and directory_bytes; returns the tokenizer model's length.
int64_t read_header(std::string_view text, Artifact& artifact);

/// What that many zeros of padding add to the header.
int64_t bytes_of_padding(int64_t zeros);

/// "+1.2345678901234567e-01": every finite double between 1e-99 and 1e99 in 23 characters, exactly.
std::string fixed_width(double value);
double parse_fixed_width(std::string_view text);

}  // namespace reprise
