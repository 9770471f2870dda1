// Mixtures of experts on a tape, as models/experts.cpp and models/routing.cpp run them. How many
// rows an expert gets is not known; groups are taken to be filled up by half of what they may be.
#include "base/error.h"
#include "models/cost/layer_walk.h"
#include "models/experts.h"
#include "models/routing.h"

namespace reprise {
namespace {

constexpr double kIndexBytes = sizeof(int64_t);

}  // namespace

std::vector<LayerWalk::Mixture> LayerWalk::mixtures_of(const LayerPlan& plan) const {
  std::vector<Mixture> mixtures;
  for (const RouterPlace& router : router_places(model_, plan, 0))
    mixtures.push_back({router.place, static_cast<double>(router.sets),
                        static_cast<double>(router.experts), static_cast<double>(router.top_k)});
  return mixtures;
}

LayerWalk::Mixture LayerWalk::mixture_of(const LayerPlan& plan, const std::string& name) const {
  for (const Mixture& mixture : mixtures_of(plan))
    if (mixture.name == name) return mixture;
  fail(ExitCode::kFailure, "the layer has no experts for its ", name);
}

/// What the record of a router's decisions holds: logits and choices.
double LayerWalk::logged_bytes(const Mixture& mixture, double rows) const {
  return rows * (kWideBytes * mixture.sets * mixture.experts + kIndexBytes * mixture.choices());
}

LayerWalk::Routed LayerWalk::route(const Place& at, const Normed& normed, const Mixture& mixture) {
  const double rows = at.rows.count, logits = mixture.sets * mixture.experts;
  // The router reads the stream in fp32.
  const TapeTensor read = casts() ? make_wide(rows, width_) : normed.tensor;
  tape_.record(
      {.saves = {read},
       .takes = kWideBytes * rows * logits,
       .shares = {{weight_name(at, mixture.name + ".router"), kWideBytes * logits * width_},
                  {normed.name, bytes(rows, width_)}},
       .scratch = casts() ? kWideBytes * rows * width_ : 0});
  const double choices = rows * mixture.choices();
  const Routed routed{choices + logits * (kGroupSlots - 1) / 2.0, tape_.make(kIndexBytes * choices),
                      make_wide(choices, 1)};
  // The record shares the choices with the operation; it is there to the end, of base passes.
  if (at.rows.makes_keys) tape_.hold(logged_bytes(mixture, rows));
  Operation weigh{
      .saves = {routed.shares}, .takes = kWideBytes * choices, .gives = kWideBytes * rows * logits};
  if (!at.rows.makes_keys) weigh.saves.push_back(tape_.make(kIndexBytes * choices));
  tape_.record(std::move(weigh));
  return routed;
}

TapeTensor LayerWalk::spread(const Routed& routed, double rows, double columns,
                             const std::string& name) {
  Operation spreading{.saves = {routed.places}, .takes = bytes(routed.slots, columns)};
  if (name.empty())
    spreading.gives = bytes(rows, columns);
  else
    spreading.shares = {{name, bytes(rows, columns)}};
  tape_.record(std::move(spreading));
  return make(routed.slots, columns);
}

TapeTensor LayerWalk::group(TapeTensor packed, const Routed& routed, Columns columns,
                            const std::string& weight, double matrices) {
  tape_.record({.saves = {packed},
                .takes = bytes(routed.slots, columns.out),
                .gives = bytes(routed.slots, columns.in),
                .shares = {{weight, bytes(matrices * columns.in, columns.out)}}});
  return make(routed.slots, columns.out);
}

TapeTensor LayerWalk::combine(TapeTensor packed, const Routed& routed, double columns,
                              double rows) {
  tape_.record({.saves = {packed, routed.places, routed.shares},
                .takes = bytes(rows, columns),
                .gives = bytes(routed.slots, columns)});
  return make(rows, columns);
}

void LayerWalk::mix_values(const Place& at, const Normed& normed) {
  const Mixture mixture = mixture_of(at.plan, "value");
  const auto head = static_cast<double>(model_.head_width());
  const Routed routed = route(at, normed, mixture);
  const TapeTensor packed = spread(routed, at.rows.count, width_, normed.name);
  const TapeTensor values = group(packed, routed, {width_, head}, weight_name(at, "value"),
                                  mixture.sets * mixture.experts);
  combine(values, routed, head, mixture.sets * at.rows.count);
}

TapeTensor LayerWalk::mix_outputs(const Place& at, const Normed& normed) {
  const Mixture mixture = mixture_of(at.plan, "output");
  const auto head = static_cast<double>(model_.head_width());
  const Routed routed = route(at, normed, mixture);
  const TapeTensor packed = spread(routed, mixture.sets * at.rows.count, head, "");
  const TapeTensor outputs = group(packed, routed, {head, width_}, weight_name(at, "output"),
                                   mixture.sets * mixture.experts);
  return combine(outputs, routed, width_, at.rows.count);
}

TapeTensor LayerWalk::mix_mlp(const Place& at, const Normed& normed) {
  const Mixture mixture = mixture_of(at.plan, "mlp");
  const auto inside = static_cast<double>(model_.experts.width);
  const Routed routed = route(at, normed, mixture);
  const TapeTensor packed = spread(routed, at.rows.count, width_, normed.name);
  const TapeTensor up =
      group(packed, routed, {width_, inside}, weight_name(at, "up"), mixture.experts);
  TapeTensor inner = normalise(up, routed.slots, inside);
  if (model_.projection_norm) inner = normalise(inner, routed.slots, inside);
  const TapeTensor down =
      group(inner, routed, {inside, width_}, weight_name(at, "down"), mixture.experts);
  return combine(down, routed, width_, at.rows.count);
}

}  // namespace reprise
