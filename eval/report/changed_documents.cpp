#include "eval/report/changed_documents.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "eval/bits_per_byte.h"

namespace reprise {
namespace {

using nlohmann::json;

/// Rows [first, end) of /tokens.
struct Rows {
  size_t first, end;
};

Nats change_of(const DocumentColumns& documents, size_t d) {
  return {documents.nats_gated[d] - documents.nats_base[d]};
}

double change_bpb(const DocumentColumns& documents, size_t d) {
  return bits_per_byte(change_of(documents, d), {static_cast<int64_t>(documents.bytes[d])});
}

/// Most helped first, most harmed last; documents that did not change are left out.
std::vector<size_t> most_changed(const DocumentColumns& documents, int64_t count) {
  std::vector<size_t> order;
  for (size_t d = 0; d < documents.tokens.size(); ++d)
    if (documents.bytes[d] > 0 && change_of(documents, d).value != 0) order.push_back(d);
  std::ranges::stable_sort(order, {}, [&](size_t d) { return change_bpb(documents, d); });
  const auto helped =
      std::ranges::find_if(order, [&](size_t d) { return change_of(documents, d).value > 0; });
  const auto half = static_cast<std::ptrdiff_t>((count + 1) / 2);
  const auto first = std::min(half, helped - order.begin());
  const auto last = std::min(static_cast<std::ptrdiff_t>(count) - half, order.end() - helped);
  order.erase(order.begin() + first, order.end() - last);
  return order;
}

/// The run of at most `most` tokens with the largest total change.
Rows window(const Trace& trace, size_t d, int64_t most) {
  const auto& t = trace.tokens;
  const size_t start = trace.documents.first_token[d], count = trace.documents.tokens[d];
  const size_t length = std::min(count, static_cast<size_t>(most));
  const auto change = [&](size_t row) {
    return std::abs(double{t.nll_gated[row]} - double{t.nll_base[row]});
  };
  double sum = 0, best_sum = -1;
  size_t best = start;
  for (size_t row = start; row < start + count; ++row) {
    sum += change(row);
    if (row + 1 < start + length) continue;
    const size_t first = row + 1 - length;
    if (sum > best_sum) {
      best_sum = sum;
      best = first;
    }
    sum -= change(first);
  }
  return {best, best + length};
}

/// Three digits behind the point are more than a colour shows and a fifth of the bytes.
json column(const std::vector<float>& values, Rows rows) {
  json shown = json::array();
  for (size_t row = rows.first; row < rows.end; ++row)
    shown.push_back(std::round(double{values[row]} * 1000) / 1000);
  return shown;
}

template <class T>
json column(const std::vector<T>& values, Rows rows) {
  return json(std::vector<T>(values.begin() + static_cast<std::ptrdiff_t>(rows.first),
                             values.begin() + static_cast<std::ptrdiff_t>(rows.end)));
}

json pieces(const TokenColumns& tokens, const Tokenizer& tokenizer, Rows rows) {
  json shown = json::array();
  for (size_t row = rows.first; row < rows.end; ++row)
    shown.push_back(tokenizer.piece(tokens.token[row]));
  return shown;
}

json document_entry(const Trace& trace, const Trace* static_arm, const Tokenizer& tokenizer,
                    size_t d, Rows rows) {
  const auto& t = trace.tokens;
  const auto& documents = trace.documents;
  json entry{{"hash", documents.hash[d]},
             {"domain", trace.attributes.domains.at(documents.domain[d])},
             {"tokens", documents.tokens[d]},
             {"total_bytes", documents.bytes[d]},
             {"change_bits", to_bits(change_of(documents, d)).value},
             {"change_bpb", change_bpb(documents, d)},
             {"position", t.position[rows.first]},
             {"pieces", pieces(t, tokenizer, rows)},
             {"base", column(t.nll_base, rows)},
             {"gated", column(t.nll_gated, rows)},
             {"all", column(t.nll_all, rows)},
             {"random", column(t.nll_random, rows)},
             {"entropy", column(t.entropy_base, rows)},
             {"refined", column(t.refined, rows)},
             {"passes", column(t.passes, rows)},
             {"bytes", column(t.bytes, rows)},
             {"slices", column(t.slices, rows)}};
  if (static_arm) entry["static"] = column(static_arm->tokens.nll_base, rows);
  return entry;
}

}  // namespace

json changed_documents(const Trace& recurrent, const Trace* static_arm, const Tokenizer& tokenizer,
                       const ChangedOptions& options) {
  require(options.documents > 0 && options.tokens > 0, ExitCode::kUsage,
          "report.documents and report.tokens must be above 0");
  require(tokenizer.digest() == recurrent.attributes.tokenizer_sha256, ExitCode::kInvalidTrace,
          "the tokenizer is not the one the traces were taken with; give that of the corpus");
  require(!static_arm || static_arm->tokens.token == recurrent.tokens.token,
          ExitCode::kInvalidTrace, "the traces of the two arms are not of the same tokens");
  json shown = json::array();
  for (const size_t d : most_changed(recurrent.documents, options.documents))
    shown.push_back(
        document_entry(recurrent, static_arm, tokenizer, d, window(recurrent, d, options.tokens)));
  return shown;
}

}  // namespace reprise
