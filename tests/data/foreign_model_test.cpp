// Models as others train them: with a dummy prefix, with normalisation, without byte fallback.
#include <gmock/gmock.h>
#include <sentencepiece_trainer.h>

#include <sstream>
#include <unordered_map>

#include "data/stored_text.h"
#include "tests/data/samples.h"
#include "tests/support/unicode_text.h"

namespace reprise {
namespace {
using testing::HasSubstr;
using Settings = std::unordered_map<std::string, std::string>;

/// The library trained on lines of the samples with its defaults and `changes`.
Tokenizer train(const Settings& changes) {
  Settings settings{{"model_type", "bpe"}, {"vocab_size", "420"}, {"byte_fallback", "true"},
                    {"pad_id", "0"},       {"bos_id", "1"},       {"eos_id", "2"},
                    {"unk_id", "3"},       {"minloglevel", "2"}};
  for (const auto& [key, value] : changes) settings[key] = value;
  class Lines : public sentencepiece::SentenceIterator {
   public:
    Lines() {
      for (uint64_t i = 0; i < 40; ++i) text_ << sample_text(i);
      Next();
    }
    bool done() const override { return !text_; }
    void Next() override { std::getline(text_, line_); }
    const std::string& value() const override { return line_; }
    sentencepiece::util::Status status() const override { return {}; }

   private:
    std::stringstream text_;
    std::string line_;
  } lines;
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(settings, &lines, &model);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return Tokenizer::from_bytes(model);
}

void expect_stored(const Tokenizer& tokenizer, const std::string& text, const std::string& expected,
                   int64_t changed_bytes) {
  const auto stored = store_text(tokenizer, text);
  EXPECT_EQ(stored.text, expected);
  EXPECT_EQ(stored.changed_bytes, changed_bytes) << "in '" << text << "'";
  EXPECT_EQ(tokenizer.bytes(stored.tokens), static_cast<int64_t>(expected.size()));
}

TEST(ForeignModel, TheDummyPrefixIsNoByteOfTheText) {
  const Tokenizer tokenizer =
      train({{"normalization_rule_name", "identity"}, {"remove_extra_whitespaces", "false"}});
  const auto tokens = tokenizer.encode("the second the");
  ASSERT_EQ(tokens.size(), 3u);
  EXPECT_EQ(tokens[0], tokens[2]);
  EXPECT_EQ(tokenizer.bytes(tokens[0], kBeginOfDocument), 3);
  EXPECT_EQ(tokenizer.bytes(tokens[2], tokens[1]), 4);
  expect_stored(tokenizer, "the second the", "the second the", 0);
  expect_stored(tokenizer, "  the look", "  the look", 0);
  expect_stored(tokenizer, " ", " ", 0);
  expect_stored(tokenizer, "\nthe", "\nthe", 0);
  for (uint64_t number = 0; number < 300; ++number) store_text(tokenizer, unicode_text(number, 30));
}

TEST(ForeignModel, TheLibrarysDefaultsNormalise) {
  const Tokenizer tokenizer = train({});
  expect_stored(tokenizer, "the second look", "the second look", 0);
  expect_stored(tokenizer, " the  second\nlook ", "the second look", 4);
  expect_stored(tokenizer, "\xEF\xBD\x94he", "the", 3);  // a letter of full width
  for (uint64_t number = 0; number < 300; ++number) store_text(tokenizer, unicode_text(number, 30));
}

TEST(ForeignModel, WithoutByteFallbackAnUnknownCharacterIsRefused) {
  const Tokenizer tokenizer = train({{"byte_fallback", "false"}, {"vocab_size", "120"}});
  expect_stored(tokenizer, "the second look", "the second look", 0);
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { store_text(tokenizer, "the \xF0\x9F\x99\x82"); }),
              HasSubstr("byte fallback"));
}

TEST(ForeignModel, BeginOfDocumentMustBeOne) {
  EXPECT_THAT(error_of(ExitCode::kBadInput,
                       [] {
                         train({{"bos_id", "2"}, {"eos_id", "1"}});
                       }),
              HasSubstr("begin-of-document has the id 2; shards want 1"));
}

}  // namespace
}  // namespace reprise
