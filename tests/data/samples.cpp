#include "tests/data/samples.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "base/file.h"
#include "base/random.h"
#include "data/tokenizer_training.h"

namespace reprise {
namespace fs = std::filesystem;

std::string sample_text(uint64_t number) {
  constexpr std::array kWords{"the",   "second", "look", "at",   "uncertain", "tokens",
                              "is",    "worth",  "more", "than", "it",        "was",
                              "naïve", "héros",  "日本", "42"};
  constexpr std::array kGaps{" ", " ", " ", " ", ", ", ".\n", "\n    ", "\n\t", "  "};
  const RandomStream stream(11, Purpose::kTest, static_cast<uint32_t>(number));
  std::string text = concat("Document ", number, "\n");
  const uint64_t words = 40 + stream.below(0, 60);
  for (uint64_t i = 1; i <= words; ++i)
    text += concat(kWords[stream.below(2 * i, kWords.size())],
                   kGaps[stream.below(2 * i + 1, kGaps.size())]);
  return text;
}

void write_samples(const fs::path& folder, int64_t documents) {
  make_folder(folder);
  for (int64_t i = 0; i < documents; ++i)
    std::ofstream(folder / concat(i, ".txt")) << sample_text(static_cast<uint64_t>(i));
}

DataOptions small_options(const fs::path& source, const fs::path& out) {
  DataOptions options;
  options.source = {source.string()};
  options.out = out.string();
  options.vocab = 400;
  options.valid_share = options.test_share = 0.2;
  return options;
}

const Tokenizer& sample_tokenizer() {
  static const Tokenizer tokenizer = [] {
    uint64_t next = 0;
    const TextStream texts = [&next]() -> std::optional<std::string> {
      if (next == 50) return std::nullopt;
      return sample_text(next++);
    };
    return Tokenizer::from_bytes(train_tokenizer(texts, 400));
  }();
  return tokenizer;
}

fs::path corpora_folder() {
  const char* named = std::getenv("REPRISE_CORPORA");
  const fs::path folder =
      named ? fs::path(named) : fs::path(REPRISE_SOURCE_DIR) / "../shared/corpora";
  return fs::exists(folder) ? folder : fs::path();
}

}  // namespace reprise
