#include "eval/batch.h"

#include <ATen/ATen.h>

namespace reprise {
namespace {

uint64_t key_of(const Sha256& hash) {
  uint64_t key = 0;
  for (size_t i = 0; i < sizeof key; ++i) key = key << 8 | hash[i];
  return key;
}

}  // namespace

Token UnitText::token(int64_t document, int64_t position) const {
  const auto& d = documents[static_cast<size_t>(document)];
  return tokens[static_cast<size_t>(d.first_token - documents.front().first_token + position)];
}

UnitText read_unit(const Corpus& corpus, Split split, WorkUnit unit) {
  const auto& all = corpus.documents(split);
  UnitText text;
  text.documents = std::span(all).subspan(static_cast<size_t>(unit.first_document),
                                          static_cast<size_t>(unit.documents));
  const int64_t first = text.documents.front().first_token;
  const int64_t end = text.documents.back().first_token + text.documents.back().tokens;
  text.tokens.resize(static_cast<size_t>(end - first));
  corpus.read(split, first, text.tokens);
  return text;
}

ScoringBatch make_batch(const UnitText& text, const std::vector<Window>& windows) {
  const auto sequences = std::ssize(windows);
  const int64_t length = std::ranges::max(windows, {}, &Window::length).length;
  ScoringBatch batch;
  batch.tokens_BT = at::full({sequences, length}, int64_t{kBeginOfDocument}, at::kLong);
  auto* inputs = batch.tokens_BT.mutable_data_ptr<int64_t>();
  std::vector<int64_t> rows, targets, context;
  for (int64_t b = 0; b < sequences; ++b) {
    const Window& window = windows[static_cast<size_t>(b)];
    const Document& document = text.documents[static_cast<size_t>(window.document)];
    for (int64_t t = 0; t < window.length; ++t) {
      const int64_t input = window.first + t;
      inputs[b * length + t] = text.token(window.document, input);
      const TokenPlace place{key_of(document.hash), static_cast<uint32_t>(input + 1)};
      if (input < window.scored) {
        context.push_back(b * length + t);
        batch.context.places.push_back(place);
        batch.context.documents.push_back(window.document);
        continue;
      }
      rows.push_back(b * length + t);
      targets.push_back(text.token(window.document, input + 1));
      batch.places.push_back(place);
      batch.documents.push_back(window.document);
      batch.windows.push_back(b);
      batch.keys.push_back(static_cast<double>(t + 1));
    }
  }
  batch.rows_N = at::tensor(rows, at::kLong);
  batch.targets_N = at::tensor(targets, at::kLong);
  batch.context.rows_K = at::tensor(context, at::kLong);
  return batch;
}

PassWork dense_work(const ScoringBatch& batch) {
  const auto sequences = static_cast<double>(batch.tokens_BT.size(0));
  const auto length = static_cast<double>(batch.tokens_BT.size(1));
  return {sequences * length, sequences * length * (length + 1) / 2,
          static_cast<double>(batch.places.size())};
}

}  // namespace reprise
