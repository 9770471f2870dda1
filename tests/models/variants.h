// The models that every promise of the network is tested on: each family, interface and option of
// the arithmetic once, and combinations that meet in the code.
#pragma once

#include "tests/models/tiny_models.h"

namespace reprise::test {

struct Variant {
  std::string name;
  ModelOptions options;
};

inline std::vector<Variant> variants() {
  const auto with = [](std::string name, ModelOptions options, auto change) {
    change(options);
    return Variant{std::move(name), options};
  };
  return {
      {"static", tiny_static()},
      {"recurrent", tiny_recurrent()},
      with("static_skips", tiny_static(),
           [](ModelOptions& o) {
             o.skips = true;
             o.core = 2;  // 0 to 3 and 1 to 2, of four layers
           }),
      with("recurrent_skips", tiny_recurrent(),
           [](ModelOptions& o) {
             o.skips = true;
             o.core = 3;  // 1 to 2 within the core, 0 to 3 into it, of five layers
           }),
      with("untied", tiny_recurrent(), [](ModelOptions& o) { o.tied = false; }),
      with("factorised", tiny_static(), [](ModelOptions& o) { o.embedding_rank = 3; }),
      with("untied_factorised", tiny_recurrent(),
           [](ModelOptions& o) {
             o.tied = false;
             o.embedding_rank = 3;
           }),
      with("mix_and_embedding", tiny_recurrent(),
           [](ModelOptions& o) {
             o.reinjection = Reinjection::kMix;
             o.pass_embedding = true;
           }),
      with("project", tiny_recurrent(),
           [](ModelOptions& o) { o.reinjection = Reinjection::kProject; }),
      with("film", tiny_recurrent(), [](ModelOptions& o) { o.film = true; }),
      with("bounded", tiny_recurrent(),
           [](ModelOptions& o) { o.reinjection = Reinjection::kBounded; }),
      with("lora", tiny_recurrent(), [](ModelOptions& o) { o.lora_rank = 2; }),
      with("mixing", tiny_recurrent(), [](ModelOptions& o) { o.pass_mixing = true; }),
      {"relaxed", tiny_relaxed()},
      with("relaxed_film", tiny_relaxed(),
           [](ModelOptions& o) {
             o.film = true;
             o.lora_rank = 4;  // above the rank of the narrowest matrix
           }),
      {"moe", tiny_moe()},
      {"moe_attention", tiny_moe_attention()},
      with("moe_projection_norm", tiny_moe_attention(),
           [](ModelOptions& o) {
             o.projection_norm = true;
             o.norm = NormPlacement::kSandwich;
           }),
      {"partial", tiny_partial()},
      with("static_readout_sum", tiny_static(), [](ModelOptions& o) { o.readout = Readout::kSum; }),
      with("readout_sum", tiny_recurrent(), [](ModelOptions& o) { o.readout = Readout::kSum; }),
      with("readout_sum_skips_factorised", tiny_recurrent(),
           [](ModelOptions& o) {
             o.readout = Readout::kSum;
             o.skips = true;
             o.core = 2;
             o.embedding_rank = 3;
           }),
      with("moe_readout_sum", tiny_moe(), [](ModelOptions& o) { o.readout = Readout::kSum; }),
      with("halt_mixture", tiny_recurrent(),
           [](ModelOptions& o) {
             o.halting = Halting::kMixture;
             o.passes = 3;
           }),
      with("halt_exit_skips", tiny_recurrent(),
           [](ModelOptions& o) {
             o.halting = Halting::kExit;
             o.passes = 4;
             o.halt_floor = 2;
             o.pass_mixing = true;
             o.skips = true;
             o.core = 3;
           }),
      with("skips_from_the_coda", tiny_recurrent(),
           [](ModelOptions& o) {
             o.skips = true;
             o.prelude = 0;
             o.coda = 3;  // 1 to 2 within the coda, 0 to 3, of four layers
           }),
      with("sandwich", tiny_static(), [](ModelOptions& o) { o.norm = NormPlacement::kSandwich; }),
      with("peri_projection_norm", tiny_recurrent(), [](ModelOptions& o) {
        o.norm = NormPlacement::kPeri;
        o.projection_norm = true;
      })};
}

inline void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

inline std::vector<Variant> recurrent_variants() {
  std::vector<Variant> all = variants();
  std::erase_if(all, [](const Variant& v) { return !loops(v.options.family); });
  return all;
}

inline std::string variant_name(const testing::TestParamInfo<Variant>& test) {
  return test.param.name;
}

}  // namespace reprise::test
