#include "launch/action.h"

#include <algorithm>

#include "base/error.h"
#include "base/options.h"

namespace reprise {
namespace {

/// "plan, run or status".
std::string listed(const std::vector<std::string>& actions) {
  std::string list;
  for (size_t i = 0; i < actions.size(); ++i)
    list += concat(i == 0 ? "" : i + 1 < actions.size() ? ", " : " or ", actions[i]);
  return list;
}

}  // namespace

size_t take_action(std::vector<std::string>& words, const std::vector<std::string>& actions) {
  const std::string word = words.empty() ? "" : words.front();
  const auto found = std::ranges::find(actions, word);
  const std::string near = nearest_name(word, actions);
  require(found != actions.end(), ExitCode::kUsage,
          word.empty() ? "say what" : concat("'", word, "'"),
          near.empty() ? concat(": ", listed(actions)) : concat(": did you mean '", near, "'?"));
  words.erase(words.begin());
  return static_cast<size_t>(found - actions.begin());
}

}  // namespace reprise
