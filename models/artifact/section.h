// The sections of an artifact: which tensors' streams lie in which, and their coded form.
//
// Codes have a section for every tensor, since every tensor has its own statistics. The small
// streams (scales, binary16 values, codebooks) of all tensors share one section for each cause: a
// section costs 13 bytes of framing, and a coder its tables. Elements of one width share it, since
// the byte shuffle is that of the section.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/artifact/coders/coder.h"
#include "models/artifact/directory.h"

namespace reprise {

/// The part of a section that one tensor's stream takes.
struct SectionPart {
  size_t tensor = 0;  ///< index into the directory
  size_t stream = 0;  ///< index into its streams()
  int64_t bytes = 0;
};

struct SectionPlan {
  Cause cause = Cause::kCodes;
  int64_t bytes = 0;  ///< before coding
  int64_t element_bytes = 1;
  int64_t row_bytes = 0;                ///< of codes: those of one row of the tensor
  std::vector<SectionPart> parts = {};  ///< end to end; none for the directory and the tokenizer
};

/// The sections in the order of the file: directory; values, scales, codebooks, outliers and
/// residuals, each by elements of one, two and four bytes; codes; tokenizer. Those that would be
/// empty are not there.
std::vector<SectionPlan> plan_sections(const Directory& directory, int64_t directory_bytes,
                                       int64_t tokenizer_bytes);

/// The coder's number, then the shuffled bytes as it codes them.
std::string encode_section(const SectionPlan& plan, std::string_view bytes, Coder coder);
/// By the coder that makes it shortest.
std::string encode_section(const SectionPlan& plan, std::string_view bytes);

/// Throws kBadInput where the section does not give plan.bytes bytes.
std::string decode_section(const SectionPlan& plan, std::string_view section);
Coder coder_of_section(std::string_view section);

}  // namespace reprise
