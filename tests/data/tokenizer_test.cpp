#include "data/tokenizer.h"

#include <gmock/gmock.h>

#include "data/stored_text.h"
#include "data/tokenizer_training.h"
#include "tests/data/samples.h"
#include "tests/support/unicode_text.h"

namespace reprise {
namespace {
using testing::HasSubstr;

std::string with_space_for_symbol(std::string_view text) {
  constexpr std::string_view kSymbol = "\xE2\x96\x81";
  std::string plain;
  for (size_t next = 0; !text.empty(); text.remove_prefix(next)) {
    const bool symbol = text.starts_with(kSymbol);
    plain.push_back(symbol ? ' ' : text[0]);
    next = symbol ? kSymbol.size() : 1;
  }
  return plain;
}

TEST(Tokenizer, GivesBackEveryTextButTheSpaceSymbol) {
  for (uint64_t number = 0; number < 2000; ++number) {
    const std::string text = unicode_text(number, 40);
    const auto tokens = sample_tokenizer().encode(text);
    ASSERT_EQ(sample_tokenizer().decode(tokens), with_space_for_symbol(text)) << number;
  }
}

TEST(Tokenizer, TextThatLooksLikeItsOwnMarksIsText) {
  for (const std::string text :
       {"<s>", "</s>", "<unk>", "<pad>", "<0x0A>", " ", "   ", "\n", "\t\t", "\r\n", " a", "a ",
        "\xEF\xBB\xBF"
        "bom",
        "e\xCC\x81", "👩‍👩‍👧", ""}) {
    const auto stored = store_text(sample_tokenizer(), text);
    EXPECT_EQ(stored.text, text);
    EXPECT_EQ(stored.changed_bytes, 0);
    EXPECT_TRUE(std::ranges::all_of(stored.tokens, [](Token token) { return token > 3; })) << text;
  }
}

TEST(Tokenizer, BytesOfTokensAreTheBytesOfTheText) {
  for (uint64_t number = 0; number < 500; ++number) {
    const auto stored = store_text(sample_tokenizer(), unicode_text(number, 60));
    EXPECT_EQ(sample_tokenizer().bytes(stored.tokens), static_cast<int64_t>(stored.text.size()));
  }
}

TEST(Tokenizer, TheSpaceSymbolBecomesASpaceAndIsCounted) {
  const auto stored = store_text(sample_tokenizer(),
                                 "a\xE2\x96\x81"
                                 "b \xE2\x96\x81");
  EXPECT_EQ(stored.text, "a b  ");
  EXPECT_EQ(stored.changed_bytes, 6);
}

TEST(Tokenizer, CountsBytesByHand) {
  const Tokenizer& tokenizer = sample_tokenizer();
  const auto tokens = tokenizer.encode("\n");
  ASSERT_EQ(tokens.size(), 1u);
  EXPECT_EQ(tokenizer.piece(tokens[0]), "<0x0A>");
  EXPECT_EQ(tokenizer.bytes(tokens[0], kBeginOfDocument), 1);
  const auto word = tokenizer.encode(" the");
  ASSERT_EQ(word.size(), 1u) << "a frequent word of the samples has a piece of its own";
  EXPECT_EQ(tokenizer.piece(word[0]), " the");
  EXPECT_EQ(tokenizer.bytes(word[0], word[0]), 4);
  EXPECT_EQ(tokenizer.bytes(word[0], kBeginOfDocument), 4) << "no dummy prefix: the space is text";
  EXPECT_EQ(tokenizer.bytes(kBeginOfDocument, word[0]), 0);
}

TEST(Tokenizer, IndentationIsAPiece) {
  EXPECT_LE(sample_tokenizer().encode("\n    the").size(), 3u);
}

TEST(Tokenizer, TrainingTwiceGivesTheSameFile) {
  const auto train = [] {
    uint64_t next = 0;
    return train_tokenizer(
        [&]() -> std::optional<std::string> {
          return next < 30 ? std::optional(sample_text(next++)) : std::nullopt;
        },
        350);
  };
  EXPECT_EQ(train(), train());
}

TEST(Tokenizer, AVocabularyThatTheTextCannotFillIsRefused) {
  const auto train = [](int64_t vocab) {
    bool given = false;
    train_tokenizer(
        [&]() -> std::optional<std::string> {
          return std::exchange(given, true) ? std::nullopt
                                            : std::optional<std::string>("to be or not to be");
        },
        vocab);
  };
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { train(5000); }),
              HasSubstr("cannot train a tokenizer of 5000"));
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { train(200); }), HasSubstr("--data.vocab 200"));
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { train(70000); }), HasSubstr("--data.vocab 70000"));
}

TEST(Tokenizer, AnotherFileIsRefused) {
  for (const std::string file : {"", "no model", "\n\x03\x01\x02\x03"})
    EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { Tokenizer::from_bytes(file, "x.model"); }),
                HasSubstr("x.model: not a SentencePiece model"));
  EXPECT_THAT(error_of(ExitCode::kBadInput, [] { Tokenizer::load("/no/such.model"); }),
              HasSubstr("/no/such.model"));
}

TEST(Tokenizer, ATruncatedModelIsRefusedOrReadsWhole) {
  const std::string& whole = sample_tokenizer().model_bytes();
  for (size_t size = 0; size < whole.size(); size += 97)
    EXPECT_NE(error_of(ExitCode::kBadInput, [&] { Tokenizer::from_bytes(whole.substr(0, size)); }),
              "no error")
        << size;
}

TEST(Tokenizer, ATokenBeyondThePiecesIsRefused) {
  EXPECT_THAT(
      error_of(ExitCode::kBadInput, [] { sample_tokenizer().decode(std::vector<Token>{400}); }),
      HasSubstr("beyond the tokenizer's 400 pieces"));
}

}  // namespace
}  // namespace reprise
