// Alternatives as text: the arms, then what is left of the gain, then wide against deep.
#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "eval/alternatives/record.h"

namespace reprise {
namespace {

constexpr int kDigits = 5;
using Row = std::vector<std::string>;

std::string signed_text(double value) {
  if (std::isinf(value)) return value < 0 ? "-inf" : "+inf";
  return concat(value < 0 ? "" : "+", fixed(value, kDigits));
}

std::string within_text(const std::optional<EstimateWithin>& within) {
  if (!within) return "-";
  return concat(signed_text(within->estimate.bpb), " ± ",
                fixed(within->estimate.standard_error, kDigits), " [",
                signed_text(within->interval.low), ", ", signed_text(within->interval.high), "]");
}

std::string percent(double share) { return fixed(100 * share, 0) + " %"; }

/// Columns as wide as their widest cell; the first to the left, the others to the right.
std::string aligned(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows[0].size(), 0);
  const auto length = [](const std::string& cell) {  // in characters: ± takes two bytes
    return static_cast<size_t>(
        std::ranges::count_if(cell, [](char byte) { return (byte & 0xC0) != 0x80; }));
  };
  for (const Row& row : rows)
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], length(row[c]));
  std::string text;
  for (const Row& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string space(widths[c] - length(row[c]), ' ');
      text += c == 0 ? row[c] + space : "  " + space + row[c];
    }
    text += "\n";
  }
  return text;
}

std::string arms_text(const Alternatives& all) {
  std::vector<Row> rows{
      {"arm", "BPB", "minus none [95 %]", "minus all [95 %]", "bytes", "MFLOP a token", "fitted"}};
  for (size_t a = 0; a < all.plan.arms.size(); ++a) {
    const Arm& arm = all.plan.arms[a];
    const ArmResult& result = all.comparison.arms[a];
    rows.push_back({arm.name, fixed(result.score.bpb, kDigits), within_text(result.minus_none),
                    within_text(result.minus_all), concat(all.bytes[a]),
                    fixed(all.flops[a] / 1e6, 3),
                    arm.fitted.empty() ? "-" : concat(arm.fitted, " (", arm.fitted_numbers, ")")});
  }
  return aligned(rows);
}

std::string absorptions_text(const Alternatives& all) {
  std::vector<Row> rows{{"control", "of", "gain", "remains [95 %]", "absorbed", "word"}};
  for (const Absorption& one : all.comparison.absorptions) {
    std::string share = "-";
    if (one.share && one.share_interval)
      share = concat(percent(*one.share), " [", percent(one.share_interval->low), ", ",
                     percent(one.share_interval->high), "]");
    rows.push_back({one.control, one.of, signed_text(one.gain.estimate.bpb),
                    within_text(one.remaining), share, std::string(enum_name(one.word))});
  }
  return aligned(rows);
}

std::string searches_text(const Alternatives& all) {
  std::vector<Row> rows{
      {"wide - deep", "noise", "difference [95 %]", "MFLOP a token, wide", "deep"}};
  for (const SearchPair& pair : all.comparison.searches)
    rows.push_back({concat(pair.count), concat(pair.sigma), within_text(pair.difference),
                    fixed(all.flops[pair.parallel] / 1e6, 3),
                    fixed(all.flops[pair.serial] / 1e6, 3)});
  return aligned(rows);
}

}  // namespace

std::string alternatives_table(const Alternatives& all) {
  std::string text =
      concat(all.scores.arms[0].size(), " documents, ", all.scores.tokens,
             " tokens of test; fitted on ", all.fit_tokens, " of valid; rule ", enum_name(all.rule),
             "; bits per byte, less is better, ± standard error over "
             "documents\n");
  if (!all.gate) text += "no gate: gated arms are left out\n";
  text +=
      "\n" + arms_text(all) +
      "\nC6: what is left of the gain when both sides have the control, or it stands in for the "
      "second look\n" +
      absorptions_text(all);
  if (!all.comparison.searches.empty())
    text +=
        "\nC21: trajectories side by side minus passes behind one another; below 0 wide is "
        "better\n" +
        searches_text(all);
  return text;
}

}  // namespace reprise
