// What is in an artifact, for people and for scripts: what the header says, every byte by tensor
// and cause, the sections with their coders, bits a weight of every tensor.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "models/artifact/artifact.h"
#include "models/artifact/coders/coder.h"
#include "models/artifact/ledger.h"

namespace reprise {

struct SectionContents {
  Cause cause = Cause::kCodes;
  std::vector<std::string> tensors;  ///< whose streams lie in it; none: of the file as a whole
  Coder coder = Coder::kStored;
  int64_t coded_bytes = 0;  ///< with the byte that names the coder
  int64_t decoded_bytes = 0;
};

/// Bits a weight of one tensor, its scales among them but for the nominal.
struct TensorContents {
  TensorShape tensor;
  double decoded_bits = 0, coded_bits = 0;
};

/// What the file itself does not hold: the packer's summary does.
struct PackingFacts {
  std::map<std::string, double> nominal_bits;  ///< mean width of a tensor's codes, by its name
  int64_t code_bytes = 0;                      ///< allowance for the decoder's code
};

/// In the order of the file.
std::vector<SectionContents> sections_of(const Artifact& artifact);
/// In the order of the directory.
std::vector<TensorContents> tensors_of(const Artifact& artifact);

/// {"header", "ledger", "sections", "tensors"}; a tensor's "nominal_bits" is null where `facts` has
/// none.
nlohmann::json contents_json(const Artifact& artifact, const PackingFacts& facts);
std::string contents_text(const Artifact& artifact, const PackingFacts& facts);

}  // namespace reprise
