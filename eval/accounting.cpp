#include "eval/accounting.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace reprise {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PassCost, seconds, nominal_flops, executed_flops, tokens,
                                   peak_bytes)

PassCost& PassCost::operator+=(const PassCost& other) {
  seconds += other.seconds;
  nominal_flops += other.nominal_flops;
  executed_flops += other.executed_flops;
  tokens += other.tokens;
  peak_bytes = std::max(peak_bytes, other.peak_bytes);
  return *this;
}

Accounting& Accounting::operator+=(const Accounting& other) {
  base += other.base;
  signals += other.signals;
  gated += other.gated;
  random += other.random;
  all += other.all;
  text_s += other.text_s;
  writing_s += other.writing_s;
  nan_scores += other.nan_scores;
  return *this;
}

double total_seconds(const Accounting& accounting) {
  return accounting.base.seconds + accounting.signals.seconds + accounting.gated.seconds +
         accounting.random.seconds + accounting.all.seconds + accounting.text_s +
         accounting.writing_s;
}

nlohmann::json to_json(const Accounting& accounting) {
  return {{"base", accounting.base},
          {"signals", accounting.signals},
          {"gated", accounting.gated},
          {"random", accounting.random},
          {"all", accounting.all},
          {"text_s", accounting.text_s},
          {"writing_s", accounting.writing_s},
          {"nan_scores", accounting.nan_scores}};
}

Accounting accounting_from(const nlohmann::json& stored) {
  Accounting accounting;
  accounting.base = stored.at("base").get<PassCost>();
  accounting.signals = stored.at("signals").get<PassCost>();
  accounting.gated = stored.at("gated").get<PassCost>();
  accounting.random = stored.at("random").get<PassCost>();
  accounting.all = stored.at("all").get<PassCost>();
  accounting.text_s = stored.at("text_s");
  accounting.writing_s = stored.at("writing_s");
  accounting.nan_scores = stored.at("nan_scores");
  return accounting;
}

}  // namespace reprise
