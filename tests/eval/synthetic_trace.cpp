#include "tests/eval/synthetic_trace.h"

#include "base/digest.h"
#include "base/random.h"
#include "eval/trace/check_record.h"

namespace reprise {
namespace {

/// `last` is the document's last position.
void add_token(Trace& trace, uint32_t document, uint32_t position, uint32_t last) {
  const auto row = trace.tokens.token.size();
  const auto nats = static_cast<float>(8 * RandomStream(7, Purpose::kTest).uniform(row));
  auto& t = trace.tokens;
  t.token.push_back(static_cast<uint16_t>(row % 1000));
  t.bytes.push_back(static_cast<uint8_t>(1 + row % 5));
  t.document.push_back(document);
  t.position.push_back(position);
  t.nll_base.push_back(nats);
  t.entropy_base.push_back(nats / 2);
  t.margin_base.push_back(1 / (1 + nats));
  t.top1_base.push_back(nats < 1);
  t.passes.push_back(2);
  t.slices.push_back(position <= 3 ? static_cast<uint32_t>(Slice::kEarly) : 0);
  if (trace.passes == Passes::kBaseOnly) return;
  t.nll_all.push_back(nats * 0.75f);
  t.refined.push_back(position % 3 == 0);
  t.random.push_back(position % 3 == 2 && position + 1 <= last);
  t.nll_gated.push_back(t.refined.back() ? nats * 0.75f : nats);
  t.nll_random.push_back(nats);
  t.entropy_all.push_back(nats / 3);
  t.margin_all.push_back(1 / (1 + nats / 2));
  t.top1_all.push_back(nats < 1.5f);
  t.max_probability.push_back(1 / (1 + nats / 2));
  t.residual.push_back(nats / 8);
  t.cosine.push_back(1 - nats / 16);
  t.divergence.push_back(nats / 4);
  t.entropy_change.push_back(nats / 2 - 2);
  t.flip.push_back(row % 4 == 0);
  t.second_order.push_back(nats / 5);
  t.early_disagreement.push_back(nats / 9);
  t.passes.back() += t.refined.back();
}

template <class T>
auto sum_of(const std::vector<T>& values, size_t first) {
  std::conditional_t<std::is_floating_point_v<T>, double, uint32_t> sum = 0;
  for (size_t i = first; i < values.size(); ++i) sum += values[i];
  return sum;
}

void close_document(Trace& trace, uint32_t document, uint32_t tokens) {
  const size_t first = trace.tokens.token.size() - tokens;
  auto& d = trace.documents;
  d.first_token.push_back(first);
  d.tokens.push_back(tokens);
  d.bytes.push_back(sum_of(trace.tokens.bytes, first));
  d.hash.push_back(to_hex(sha256(concat(document, " of ", tokens, " tokens"))));
  d.domain.push_back(document % 2);
  d.nats_base.push_back(sum_of(trace.tokens.nll_base, first));
  if (trace.passes == Passes::kBaseOnly) return;
  d.nats_gated.push_back(sum_of(trace.tokens.nll_gated, first));
  d.nats_all.push_back(sum_of(trace.tokens.nll_all, first));
  d.nats_random.push_back(sum_of(trace.tokens.nll_random, first));
  d.refined.push_back(sum_of(trace.tokens.refined, first));
  d.random.push_back(sum_of(trace.tokens.random, first));
}

}  // namespace

Trace make_synthetic_trace(const std::vector<uint32_t>& sizes, Passes passes) {
  Trace trace;
  trace.passes = passes;
  for (uint32_t document = 0; document < sizes.size(); ++document) {
    for (uint32_t position = 1; position <= sizes[document]; ++position)
      add_token(trace, document, position, sizes[document]);
    close_document(trace, document, sizes[document]);
  }
  trace.attributes.artifact_sha256 = to_hex(sha256("artifact"));
  trace.attributes.artifact_bytes = 1'000'000;
  trace.attributes.split = "test";
  trace.attributes.domains = {"prose", "Прозa"};
  trace.attributes.early_tokens = 3;
  trace.attributes.configuration = {{"eval", {{"window", 512}}}};
  trace.attributes.checks = {{"normalisation", check_record(0.0, 1e-6)}};
  if (passes == Passes::kRefined) trace.attributes.refinement_rule = kCoarseRule;
  return trace;
}

}  // namespace reprise
