#include "eval/curves/table.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"

namespace reprise {
namespace {

constexpr int kDigits = 5;

std::string signed_text(double value) {
  if (std::isinf(value)) return value < 0 ? "-inf" : "+inf";
  return concat(value < 0 ? "" : "+", fixed(value, kDigits));
}

std::string within_text(const EstimateWithin& within) {
  return concat(signed_text(within.estimate.bpb), " [", signed_text(within.interval.low), ", ",
                signed_text(within.interval.high), "]");
}

std::string percent(double share) { return fixed(100 * share, 2) + " %"; }

using Row = std::vector<std::string>;

Row header() {
  Row row{"budget", "refined", "BPB", "minus none [95 %]", "minus matched-random [95 %]"};
  for (const auto& [control, name] : EnumNames<Control>::names)
    row.push_back(concat(name, attainable(control) ? "" : " *"));
  row.insert(row.end(), {"headroom *", "recovered", "by matched-random"});
  return row;
}

Row row_of(const CurvePoint& point) {
  Row row{percent(point.budget), percent(point.share), fixed(point.score.bpb, kDigits),
          within_text(point.minus_none), within_text(point.minus_matched)};
  for (const auto& control : point.controls) row.push_back(signed_text(control.bpb));
  row.push_back(fixed(point.headroom_bpb(), kDigits));
  for (const auto recovered :
       {point.recovered(), point.recovered_by(point.of(Control::kMatched).bpb)})
    row.push_back(recovered ? percent(*recovered) : "-");
  return row;
}

/// Columns as wide as their widest cell, numbers to the right.
std::string aligned(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string text;
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c)
      text += concat("  ", std::string(widths[c] - row[c].size(), ' '), row[c]);
    text += "\n";
  }
  return text;
}

std::string knee_text(const std::optional<Knee>& knee) {
  if (!knee) return "no budget gains anything, so there is no knee";
  return concat("knee at ", percent(knee->budget), " [", percent(knee->budgets.low), ", ",
                percent(knee->budgets.high), "]");
}

std::string gate_table(const GateCurve& curve) {
  std::vector<Row> rows{header()};
  for (const auto& point : curve.points) rows.push_back(row_of(point));
  return concat("\n", to_text(curve.gate), ": ", knee_text(curve.knee),
                "; scores that are NaN: ", curve.valid_nan, " valid, ", curve.test_nan, " test\n",
                aligned(rows));
}

std::string estimate_text(const Estimate& estimate) {
  return concat(fixed(estimate.bpb, kDigits), " (standard error ",
                fixed(estimate.standard_error, kDigits), ")");
}

}  // namespace

std::string curves_table(const Curves& curves) {
  std::string text = concat(
      curves.documents, " documents, ", curves.tokens, " tokens; bits per byte: none ",
      estimate_text(curves.none), ", all ", estimate_text(curves.all),
      "\nControls refine as many and are shown minus none; * looks at the target: unattainable\n");
  for (const auto& curve : curves.gates) text += gate_table(curve);
  return text;
}

}  // namespace reprise
