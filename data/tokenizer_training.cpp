#include "data/tokenizer_training.h"

#include <sentencepiece_trainer.h>

#include <unordered_map>

#include "base/error.h"
#include "base/utf8.h"

namespace reprise {
namespace {

constexpr size_t kLongestSentence =
    4096;  // bytes; the library skips what is longer than its own limit of 4192

/// The documents as the library's "sentences": runs without control characters, none too long. The
/// library would refuse pieces with a tab and cannot see newlines in files it reads itself, so
/// neither is ever part of a piece.
class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const TextStream& texts) : texts_(texts) { Next(); }
  bool done() const override { return done_; }
  const std::string& value() const override { return sentence_; }
  sentencepiece::util::Status status() const override { return {}; }

  void Next() override {
    while (!done_) {
      const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
      };
      while (position_ < text_.size() && is_control(text_[position_])) ++position_;
      if (position_ < text_.size()) {
        size_t end = position_;
        while (end < text_.size() && !is_control(text_[end])) ++end;
        sentence_ =
            cut_utf8(std::string_view(text_).substr(position_, end - position_), kLongestSentence);
        position_ += sentence_.size();
        return;
      }
      auto next = texts_();
      done_ = !next;
      text_ = next.value_or("");
      position_ = 0;
    }
  }

 private:
  const TextStream& texts_;
  std::string text_, sentence_;
  size_t position_ = 0;
  bool done_ = false;
};

std::unordered_map<std::string, std::string> settings(int64_t vocab) {
  return {
      {"model_type", "bpe"},
      {"vocab_size", concat(vocab)},
      {"normalization_rule_name", "identity"},
      {"add_dummy_prefix", "false"},
      {"remove_extra_whitespaces", "false"},
      {"byte_fallback", "true"},
      {"allow_whitespace_only_pieces",
       "true"},                         // indentation of code: a piece, not a space at a time
      {"split_digits", "true"},         // as in the challenge's models
      {"character_coverage", "0.999"},  // likewise
      {"pad_id", "0"},
      {"bos_id", "1"},
      {"eos_id", "2"},
      {"unk_id", "3"},
      {"num_threads", "1"},  // the order in which counts are added must not depend on the machine
      {"minloglevel", "2"}};
}

/// The library's messages start with a source line: "Internal: src/x.cc(23) [condition] reason".
std::string reason_of(const std::string& message) {
  const size_t bracket = message.rfind("] ");
  return bracket == std::string::npos ? message : message.substr(bracket + 2);
}

}  // namespace

std::string train_tokenizer(const TextStream& texts, int64_t vocab) {
  require(vocab > 260 && vocab <= 65536, ExitCode::kUsage, "--data.vocab ", vocab,
          ": between 261 (4 marks, 256 bytes and a piece) and 65536");
  Sentences sentences(texts);
  std::string model;
  const auto status =
      sentencepiece::SentencePieceTrainer::Train(settings(vocab), &sentences, &model);
  require(status.ok(), ExitCode::kBadInput, "cannot train a tokenizer of ", vocab,
          " pieces on this text: ", reason_of(status.ToString()));
  return model;
}

}  // namespace reprise
