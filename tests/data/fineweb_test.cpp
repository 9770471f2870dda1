// Byte accounting against the public challenge's own models and text, where they are on this
// machine.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/source.h"
#include "data/stored_text.h"
#include "tests/data/samples.h"
#include "tests/support/unicode_text.h"

namespace reprise {
namespace {

std::vector<std::string> fineweb_documents() {
  std::vector<std::string> texts;
  open_source_file(corpora_folder() / "fineweb/docs200.jsonl", nullptr)
      ->scan([&](const DocumentPlace&, std::string text) { texts.push_back(std::move(text)); });
  texts.resize(std::min<size_t>(texts.size(), 40));  // enough of every kind, in little time
  return texts;
}

/// The challenge's rule in its own words: the piece without its leading space symbol, plus one for
/// it unless the token before is no text.
int64_t challenge_bytes(const Tokenizer& tokenizer, Token token, Token previous) {
  if (token <= 3) return 0;
  const std::string piece = tokenizer.piece(token);
  if (piece.size() == 6 && piece.starts_with("<0x")) return 1;
  return static_cast<int64_t>(piece.size()) - (piece.starts_with(' ') && previous <= 3);
}

class FinewebTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (corpora_folder().empty())
      GTEST_SKIP() << "no corpora here: set REPRISE_CORPORA to compare with the public models";
  }
  Tokenizer model() const {
    return Tokenizer::load(corpora_folder() /
                           concat("tokenizers/fineweb_", GetParam(), "_bpe.model"));
  }
};

TEST_P(FinewebTest, StoredTextIsAFixedPointWhoseBytesBothRulesCount) {
  const Tokenizer tokenizer = model();
  ASSERT_EQ(tokenizer.vocab(), GetParam());
  int64_t changed = 0, raw = 0, stored_bytes = 0;
  for (const auto& text : fineweb_documents()) {
    const auto stored = store_text(tokenizer, text);
    EXPECT_EQ(tokenizer.decode(stored.tokens), stored.text);
    int64_t sum = 0;
    Token previous = kBeginOfDocument;
    for (const Token token : stored.tokens)
      sum += challenge_bytes(tokenizer, token, std::exchange(previous, token));
    EXPECT_EQ(sum, static_cast<int64_t>(stored.text.size()));
    changed += stored.changed_bytes;
    raw += static_cast<int64_t>(text.size());
    stored_bytes += static_cast<int64_t>(stored.text.size());
    EXPECT_EQ(stored.changed_bytes == 0, stored.text == text);
  }
  // The models normalise by NFKC and join white space: newlines become spaces, so that some bytes
  // change, but few.
  EXPECT_GT(changed, raw / 1000);
  EXPECT_LT(changed, raw / 50);
  EXPECT_LE(raw - stored_bytes, changed);
}

TEST_P(FinewebTest, NormalisationIsReportedByHand) {
  const Tokenizer tokenizer = model();
  struct Case {
    std::string text, stored;
    int64_t changed;
  };
  const Case cases[] = {
      {"plain words", "plain words", 0},
      {"two\nlines", "two lines", 1},             // the newline is replaced
      {"  spaces  around ", "spaces around", 4},  // two in front, one inside, one behind
      {"\xEF\xAC\x81ne", "fine", 3},              // the ligature of three bytes gives two
      {"", "", 0},
      {" \n\t", "", 3},
  };
  for (const auto& [text, expected, changed] : cases) {
    const auto stored = store_text(tokenizer, text);
    EXPECT_EQ(stored.text, expected);
    EXPECT_EQ(stored.changed_bytes, changed) << "in '" << text << "'";
  }
}

TEST_P(FinewebTest, RandomUnicodeReachesAFixedPoint) {
  const Tokenizer tokenizer = model();
  for (uint64_t number = 0; number < 300; ++number) {
    const auto stored = store_text(tokenizer, unicode_text(number, 40));
    EXPECT_EQ(tokenizer.bytes(stored.tokens), static_cast<int64_t>(stored.text.size()));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, FinewebTest, testing::Values(1024, 8192));

}  // namespace
}  // namespace reprise
