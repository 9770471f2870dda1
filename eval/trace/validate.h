// What must hold between the columns of a trace, whoever wrote it.
#pragma once

#include <string_view>

#include "eval/trace/reader.h"

namespace reprise {

/// Throws kInvalidTrace, naming the row, where the documents do not cover the tokens exactly once
/// and in order, bytes or nats of the tokens do not sum to those of their document, a flag is
/// neither 0 nor 1, a prediction that was not refined differs from the base, the control refined
/// more or fewer tokens of a document than the gate, or a likelihood is negative or not a number.
void validate(const Trace& trace, std::string_view name);

}  // namespace reprise
