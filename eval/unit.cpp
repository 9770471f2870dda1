#include "eval/unit.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/stopwatch.h"

namespace reprise {
namespace {

/// Collects the scores of batches, in whatever order they come, into columns in text order.
class ColumnBuilder {
 public:
  ColumnBuilder(const UnitText& text, const Recorded& recorded) : text_(text), recorded_(recorded) {
    for (const Document& document : text.documents) {
      first_rows_.push_back(rows_);
      rows_ += static_cast<size_t>(document.tokens - 1);
    }
    scored_.resize(rows_);
    for (auto* nats : {&base_, &gated_, &all_, &random_}) nats->resize(rows_);
    const auto size = [&](auto, auto member, auto, auto, ColumnGroup group) {
      if (recorded_.holds(group)) (columns_.tokens.*member).resize(rows_);
    };
    visit_token_columns(size);
  }

  void take(const ScoringBatch& batch, const BatchScores& scores) {
    for (size_t n = 0; n < batch.places.size(); ++n) {
      const size_t row =
          first_rows_[static_cast<size_t>(batch.documents[n])] + batch.places[n].position - 1;
      ++scored_[row];
      take_base(row, n, scores);
      if (!recorded_.refined()) continue;
      take_refined(row, n, scores);
      take_signals(row, n, scores);
    }
  }

  UnitColumns finish(const Tokenizer& tokenizer, const Slicer& slicer) && {
    for (size_t d = 0; d < text_.documents.size(); ++d) add_document(d, tokenizer, slicer);
    return std::move(columns_);
  }

 private:
  void take_base(size_t row, size_t n, const BatchScores& scores) {
    auto& t = columns_.tokens;
    base_[row] = scores.base.nll[n];
    t.nll_base[row] = static_cast<float>(base_[row]);
    t.entropy_base[row] = scores.base.entropy[n];
    t.margin_base[row] = scores.base.margin[n];
    t.top1_base[row] = scores.base.top1[n];
    t.passes[row] = scores.passes[n];
  }

  void take_refined(size_t row, size_t n, const BatchScores& scores) {
    auto& t = columns_.tokens;
    gated_[row] = scores.nll_gated[n];
    random_[row] = scores.nll_random[n];
    all_[row] = scores.all.nll[n];
    t.nll_gated[row] = static_cast<float>(gated_[row]);
    t.nll_random[row] = static_cast<float>(random_[row]);
    t.nll_all[row] = static_cast<float>(all_[row]);
    t.entropy_all[row] = scores.all.entropy[n];
    t.margin_all[row] = scores.all.margin[n];
    t.top1_all[row] = scores.all.top1[n];
    t.refined[row] = scores.refined[n];
    t.random[row] = scores.random[n];
    t.passes[row] = static_cast<uint8_t>(t.passes[row] + scores.refined[n]);
  }

  void take_signals(size_t row, size_t n, const BatchScores& scores) {
    auto& t = columns_.tokens;
    const auto signal = [&](Signal of) { return scores.signals.at(of)[n]; };
    t.max_probability[row] = signal(Signal::kMaxProbability);
    if (recorded_.head) t.head_score[row] = signal(Signal::kHead);
    if (recorded_.states) {
      t.residual[row] = signal(Signal::kResidual);
      t.cosine[row] = signal(Signal::kCosine);
      t.second_order[row] = signal(Signal::kSecondOrder);
    }
    if (!recorded_.earlier) return;
    t.divergence[row] = signal(Signal::kDivergence);
    t.entropy_change[row] = signal(Signal::kEntropyChange);
    t.flip[row] = signal(Signal::kFlip) != 0;
    t.early_disagreement[row] = signal(Signal::kEarlyDisagreement);
  }

  void add_document(size_t d, const Tokenizer& tokenizer, const Slicer& slicer) {
    const Document& document = text_.documents[d];
    auto& columns = columns_.documents;
    columns.first_token.push_back(first_rows_[d]);
    columns.tokens.push_back(static_cast<uint32_t>(document.tokens - 1));
    columns.bytes.push_back(fill_text(d, tokenizer, slicer));
    columns.hash.push_back(to_hex(document.hash));
    columns.domain.push_back(static_cast<uint16_t>(document.domain));
    columns.nats_base.push_back(sum(base_, d));
    if (!recorded_.refined()) return;
    columns.nats_gated.push_back(sum(gated_, d));
    columns.nats_all.push_back(sum(all_, d));
    columns.nats_random.push_back(sum(random_, d));
    columns.refined.push_back(static_cast<uint32_t>(sum(columns_.tokens.refined, d)));
    columns.random.push_back(static_cast<uint32_t>(sum(columns_.tokens.random, d)));
  }

  /// The columns that come from the text; returns the document's bytes.
  uint64_t fill_text(size_t d, const Tokenizer& tokenizer, const Slicer& slicer) {
    const Document& document = text_.documents[d];
    auto& t = columns_.tokens;
    int64_t bytes = 0;
    for (int64_t position = 1; position < document.tokens; ++position) {
      const size_t row = first_rows_[d] + static_cast<size_t>(position - 1);
      const Token token = text_.token(static_cast<int64_t>(d), position);
      const int64_t size =
          tokenizer.bytes(token, text_.token(static_cast<int64_t>(d), position - 1));
      require(scored_[row] == 1, ExitCode::kInvalidTrace, "token ", position, " of document ",
              to_hex(document.hash), " was scored ", scored_[row], " times");
      require(size >= 0 && size <= std::numeric_limits<uint8_t>::max(), ExitCode::kInvalidTrace,
              "token ", token, " stands for ", size, " bytes; a trace holds at most 255");
      t.token[row] = token;
      t.bytes[row] = static_cast<uint8_t>(size);
      t.document[row] = static_cast<uint32_t>(d);
      t.position[row] = static_cast<uint32_t>(position);
      t.slices[row] = slicer.bits(token, static_cast<uint32_t>(position));
      bytes += size;
    }
    require(bytes == document.bytes.value, ExitCode::kInvalidTrace, "the tokens of document ",
            to_hex(document.hash), " stand for ", bytes, " bytes, its text has ",
            document.bytes.value, "; tokenise the corpus again");
    return static_cast<uint64_t>(bytes);
  }

  template <class T>
  double sum(const std::vector<T>& values, size_t d) const {
    double total = 0;
    const size_t end = first_rows_[d] + static_cast<size_t>(text_.documents[d].tokens - 1);
    for (size_t row = first_rows_[d]; row < end; ++row) total += static_cast<double>(values[row]);
    return total;
  }

  const UnitText& text_;
  Recorded recorded_;
  size_t rows_ = 0;
  std::vector<size_t> first_rows_;                   ///< of each document
  std::vector<int64_t> scored_;                      ///< times, per row
  std::vector<double> base_, gated_, all_, random_;  ///< nats before they are rounded for the file
  UnitColumns columns_;
};

}  // namespace

/// With refinement passes they fit a trace's column, a byte.
constexpr int64_t kMostPassesOfTrace = 254 - kMostRefinements + 1;

UnitOptions unit_options(const ScoringOptions& options, const ModelOptions& model) {
  const int64_t length = options.window == 0 ? model.context : options.window;
  require(length <= model.context, ExitCode::kUsage, "--eval.window ", length,
          " is longer than the model's context of ", model.context);
  require(model.passes <= kMostPassesOfTrace, ExitCode::kUsage, "the model runs ", model.passes,
          " passes; a trace counts at most ", kMostPassesOfTrace);
  require(length >= 2, ExitCode::kUsage, "windows of ", length,
          " token give no prediction a context; model.context and --eval.window are at least 2");
  const int64_t stride = options.stride == 0 ? std::max<int64_t>(1, length / 2) : options.stride;
  require(stride <= length, ExitCode::kUsage, "--eval.stride ", stride,
          " leaves gaps between windows of ", length);
  return {{length, stride}, options.batch_tokens};
}

std::vector<Window> unit_windows(const UnitText& text, const UnitOptions& options) {
  std::vector<Window> windows;
  for (size_t d = 0; d < text.documents.size(); ++d) {
    const auto more =
        plan_windows(static_cast<int64_t>(d), text.documents[d].tokens, options.windows);
    windows.insert(windows.end(), more.begin(), more.end());
  }
  return windows;
}

std::vector<ScoringBatch> make_batches(const UnitText& text, const UnitOptions& options) {
  std::vector<ScoringBatch> batches;
  for (const auto& windows : plan_batches(unit_windows(text, options), options.batch_tokens))
    batches.push_back(make_batch(text, windows));
  return batches;
}

UnitColumns UnitScorer::score(const UnitText& text, Accounting& spent) const {
  ColumnBuilder builder(text, scorer_.recorded());
  UnitDepths depths;
  Stopwatch text_watch;
  const auto batches = make_batches(text, options_);
  spent.text_s += text_watch.seconds();
  for (const ScoringBatch& batch : batches)
    builder.take(batch, scorer_.score(batch, depths, spent));
  text_watch = Stopwatch();
  UnitColumns columns = std::move(builder).finish(tokenizer_, slicer_);
  spent.text_s += text_watch.seconds();
  return columns;
}

}  // namespace reprise
