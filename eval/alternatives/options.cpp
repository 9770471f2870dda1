#include "eval/alternatives/options.h"

#include <algorithm>
#include <charconv>

#include "base/parallel.h"

namespace reprise {
namespace {

constexpr int64_t kMostTrajectories = 64;  // each is a refinement of the whole text
constexpr double kMostNoise = 100;         // the state is all noise long before
constexpr double kMostPrior = 100;         // nats: as good as none
constexpr int64_t kLeastDraws = 100;

template <class T>
std::vector<T> parse_numbers(const std::vector<std::string>& words, const char* name, T least,
                             T most) {
  std::vector<T> numbers;
  for (const auto& word : words) {
    T number{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    const bool whole = error == std::errc() && end == word.data() + word.size();
    require(whole && least <= number && number <= most, ExitCode::kUsage, "alternatives.", name,
            ": '", word, "' is no number from ", least, " to ", most);
    numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  require(std::ranges::adjacent_find(numbers) == numbers.end(), ExitCode::kUsage, "alternatives.",
          name, " names a number twice");
  return numbers;
}

}  // namespace

SearchWidths parse_widths(const AlternativesOptions& options) {
  SearchWidths widths;
  widths.trajectories =
      parse_numbers<int64_t>(options.trajectories, "trajectories", 1, kMostTrajectories);
  widths.noise = parse_numbers<double>(options.noise, "noise", 0, kMostNoise);
  widths.passes = parse_numbers<int64_t>(options.passes, "passes", 1, kMostTrajectories);
  if (widths.passes.empty()) widths.passes = widths.trajectories;
  return widths;
}

void validate(const AlternativesOptions& options) {
  const auto usage = [](bool condition, std::string_view line) {
    require(condition, ExitCode::kUsage, line);
  };
  usage(!options.artifact.empty(), "alternatives.artifact names no packed model");
  usage(!options.corpus.empty(), "alternatives.corpus names no folder");
  usage(options.refine_share >= 0 && options.refine_share <= 1,
        "alternatives.refine-share must be from 0 to 1");
  usage(options.fit_tokens >= 0, "alternatives.fit-tokens is negative");
  usage(options.readout_steps > 0, "alternatives.readout-steps must be positive");
  usage(options.readout_prior > 0 && options.readout_prior <= kMostPrior,
        "alternatives.readout-prior must be above 0 and at most 100");
  require(0 < options.threads && options.threads <= kMostThreads, ExitCode::kUsage,
          "alternatives.threads is ", options.threads, "; it must be from 1 to ", kMostThreads);
  require(options.draws >= kLeastDraws, ExitCode::kUsage, "alternatives.draws must be at least ",
          kLeastDraws, " for an interval to mean anything");
  usage(options.seed >= 0, "alternatives.seed is negative");
  parse_widths(options);
}

}  // namespace reprise
