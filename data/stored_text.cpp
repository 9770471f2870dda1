#include "data/stored_text.h"

#include "base/error.h"

namespace reprise {
namespace {

// Normalisation rules are applied once, from left to right, so that their output may hold what they
// would replace. Each round of a rule that ends at all makes the text shorter or simpler; eight are
// more than any text needs.
constexpr int kMostRounds = 8;

}  // namespace

StoredText store_text(const Tokenizer& tokenizer, std::string text) {
  StoredText stored{std::move(text), {}, 0};
  for (int round = 0; round < kMostRounds; ++round) {
    stored.tokens = tokenizer.encode(stored.text);
    std::string decoded = tokenizer.decode(stored.tokens);
    if (decoded == stored.text) {
      const int64_t bytes = tokenizer.bytes(stored.tokens);
      require(bytes == static_cast<int64_t>(stored.text.size()), ExitCode::kBadInput,
              "its tokens stand for ", bytes, " bytes, its text has ", stored.text.size(),
              "; the tokenizer needs byte fallback");
      return stored;
    }
    stored.changed_bytes += tokenizer.changed_bytes(stored.text);
    stored.text = std::move(decoded);
  }
  fail(ExitCode::kBadInput, "the tokenizer changes its text anew each time it is encoded");
}

}  // namespace reprise
