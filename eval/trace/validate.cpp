#include "eval/trace/validate.h"

#include <cmath>
#include <set>

#include "base/error.h"

namespace reprise {
namespace {

/// float32 keeps 24 bits: a sum of n values differs from the sum of their roundings by at most this
/// share of itself.
constexpr double kRounding = 0x1p-23;

class Validator {
 public:
  Validator(const Trace& trace, std::string_view name)
      : tokens_(trace.tokens), documents_(trace.documents), trace_(trace), name_(name) {
    const nlohmann::json& options = trace.attributes.configuration;
    if (options.contains("eval")) most_passes_ = options["eval"].value("refinements", int64_t{1});
    coda_once_ = trace.attributes.refinement_rule.find("coda once") != std::string::npos;
  }

  void run() const {
    check_flags();
    check_documents_are_distinct();
    uint64_t next = 0;
    for (size_t d = 0; d < documents_.tokens.size(); ++d) {
      check(documents_.first_token[d] == next, "document ", d, " starts at token ",
            documents_.first_token[d], ", the one before ends at ", next);
      next += documents_.tokens[d];
      check(next <= tokens_.token.size(), "document ", d, " ends behind the last token");
      check_document(d);
    }
    check(next == tokens_.token.size(), tokens_.token.size(), " tokens, of which documents hold ",
          next);
  }

 private:
  template <class... Parts>
  void check(bool condition, const Parts&... parts) const {
    require(condition, ExitCode::kInvalidTrace, name_, ": ", parts...);
  }

  void check_flags() const {
    for (const auto* flags : {&tokens_.top1_base, &tokens_.top1_all, &tokens_.flip})
      for (size_t i = 0; i < flags->size(); ++i)
        check((*flags)[i] <= 1, "a flag of token ", i, " is ", int{(*flags)[i]});
    for (const auto* passes : {&tokens_.refined, &tokens_.random})
      for (size_t i = 0; i < passes->size(); ++i)
        check((*passes)[i] <= most_passes_, "token ", i, " had ", int{(*passes)[i]},
              " refinement passes of at most ", most_passes_);
    for (size_t i = 0; i < tokens_.refined.size(); ++i)
      check(tokens_.passes[i] > tokens_.refined[i], "token ", i, " had ", int{tokens_.refined[i]},
            " refinement passes of ", int{tokens_.passes[i]}, " passes in all");
    for (const auto* nats :
         {&tokens_.nll_base, &tokens_.nll_gated, &tokens_.nll_all, &tokens_.nll_random})
      for (size_t i = 0; i < nats->size(); ++i)
        check(std::isfinite((*nats)[i]) && (*nats)[i] >= 0, "token ", i, " has ", (*nats)[i],
              " nats");
    for (const auto* signal : {&tokens_.entropy_base, &tokens_.entropy_all, &tokens_.margin_base})
      for (size_t i = 0; i < signal->size(); ++i)
        check(std::isfinite((*signal)[i]), "a signal of token ", i, " is ", (*signal)[i]);
  }

  void check_documents_are_distinct() const {
    std::set<std::string_view> seen;
    for (const std::string& hash : documents_.hash)
      check(seen.insert(hash).second, "the document ", hash, " is in it twice");
  }

  void check_document(size_t d) const {
    const size_t first = documents_.first_token[d], end = first + documents_.tokens[d];
    uint64_t bytes = 0;
    for (size_t i = first; i < end; ++i) {
      check(tokens_.document[i] == d, "token ", i, " names document ", tokens_.document[i],
            " and lies in ", d);
      check(tokens_.position[i] == i - first + 1, "token ", i, " is at position ",
            tokens_.position[i], " of document ", d, ", not ", i - first + 1);
      bytes += tokens_.bytes[i];
    }
    check(bytes == documents_.bytes[d], "the tokens of document ", d, " have ", bytes,
          " bytes, its text ", documents_.bytes[d]);
    check(trace_.attributes.domains.empty() ||
              documents_.domain[d] < trace_.attributes.domains.size(),
          "document ", d, " is of domain ", documents_.domain[d], ", which has no name");
    check_sum(d, tokens_.nll_base, documents_.nats_base[d]);
    if (trace_.passes == Passes::kBaseOnly) return;
    check_sum(d, tokens_.nll_gated, documents_.nats_gated[d]);
    check_sum(d, tokens_.nll_all, documents_.nats_all[d]);
    check_sum(d, tokens_.nll_random, documents_.nats_random[d]);
    check_gate(d, tokens_.refined, tokens_.nll_gated, documents_.refined[d]);
    check_gate(d, tokens_.random, tokens_.nll_random, documents_.random[d]);
    check(documents_.random[d] == documents_.refined[d], "in document ", d, " the gate refined ",
          documents_.refined[d], " tokens and its control ", documents_.random[d],
          "; they are compared at equal compute");
  }

  void check_sum(size_t d, const std::vector<float>& nll, double nats) const {
    const size_t first = documents_.first_token[d], end = first + documents_.tokens[d];
    double sum = 0;
    for (size_t i = first; i < end; ++i) sum += nll[i];
    check(std::abs(sum - nats) <= kRounding * sum, "the tokens of document ", d, " have ", sum,
          " nats, the document ", nats);
  }

  void check_gate(size_t d, const std::vector<uint8_t>& gate, const std::vector<float>& nll,
                  uint32_t count) const {
    const size_t first = documents_.first_token[d], end = first + documents_.tokens[d];
    uint32_t refined = 0;
    for (size_t i = first; i < end; ++i) {
      refined += gate[i];
      check(gate[i] > 0 || coda_once_ || nll[i] == tokens_.nll_base[i], "token ", i,
            " was not refined but scored differently");
    }
    check(refined == count, "document ", d, " has ", refined, " refinement passes and says ",
          count);
  }

  const TokenColumns& tokens_;
  const DocumentColumns& documents_;
  const Trace& trace_;
  std::string_view name_;
  bool coda_once_ = false;  ///< then every readout sees the refined states
  int64_t most_passes_ = 1;
};

}  // namespace

void validate(const Trace& trace, std::string_view name) { Validator(trace, name).run(); }

}  // namespace reprise
