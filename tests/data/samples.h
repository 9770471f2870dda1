// Text to make corpora of: the same in every run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "data/options.h"
#include "data/tokenizer.h"

namespace reprise {

/// Words with indentation, newlines, tabs and punctuation; another text for every number.
std::string sample_text(uint64_t number);

/// <folder>/NNN.txt with sample_text(NNN) for each of `documents`.
void write_samples(const std::filesystem::path& folder, int64_t documents);

/// Options for a small corpus from `source` at `out`.
DataOptions small_options(const std::filesystem::path& source, const std::filesystem::path& out);

/// A lossless tokenizer of 400 pieces, trained once on the samples.
const Tokenizer& sample_tokenizer();

/// The public challenge's model and text where they are on this machine (REPRISE_CORPORA, or
/// ../shared/corpora beside the sources); empty where not.
std::filesystem::path corpora_folder();

/// The message of the Error that `call` throws, which must carry `code` and be one line.
template <class Call>
std::string error_of(ExitCode code, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string message = error.what();
    if (error.code() != code)
      return concat("exit code ", static_cast<int>(error.code()), ": ", message);
    return message.find('\n') == std::string::npos ? message : concat("several lines: ", message);
  }
  return "no error";
}

}  // namespace reprise
