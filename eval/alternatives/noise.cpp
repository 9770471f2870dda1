#include "eval/alternatives/noise.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "base/random.h"
#include "models/device.h"

namespace reprise {
namespace {

/// Of hidden and skips, those that are there.
template <class Use>
void each_stream(Stream& stream, Use&& use) {
  use(stream.hidden_MD);
  for (at::Tensor& skip_MD : stream.skips_MD)
    if (skip_MD.defined()) use(skip_MD);
}

/// One row of noise, for a position of a document.
void draw_row(uint64_t seed, int64_t trajectory, const TokenPlace& place, int64_t channels,
              float* row) {
  const uint64_t own = RandomStream(seed, Purpose::kTrajectory, static_cast<uint32_t>(trajectory))
                           .bits(place.document);
  const RandomStream stream(own, Purpose::kTrajectory, place.position);
  for (int64_t c = 0; c < channels; ++c)
    row[c] = static_cast<float>(stream.normal(static_cast<uint64_t>(c)));
}

}  // namespace

at::Tensor draw_noise(const ScoringBatch& batch, int64_t channels, uint64_t seed,
                      int64_t trajectory) {
  at::Tensor noise_MC = at::zeros({batch.tokens_BT.numel(), channels}, at::kFloat);
  auto* values = noise_MC.mutable_data_ptr<float>();
  const auto draw = [&](const at::Tensor& rows, const std::vector<TokenPlace>& places) {
    const auto* row = rows.const_data_ptr<int64_t>();
    at::parallel_for(0, std::ssize(places), 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n)
        draw_row(seed, trajectory, places[static_cast<size_t>(n)], channels,
                 values + row[n] * channels);
    });
  };
  draw(batch.rows_N, batch.places);
  draw(batch.context.rows_K, batch.context.places);
  return noise_MC;
}

int64_t state_channels(const BasePasses& base) {
  int64_t channels = 0;
  Stream stream = base.coarse;
  each_stream(stream, [&](const at::Tensor& part_MD) { channels += part_MD.size(1); });
  return channels;
}

BasePasses disturb(const BasePasses& base, const at::Tensor& noise_MC, double sigma) {
  BasePasses disturbed = base;
  int64_t first = 0;
  each_stream(disturbed.coarse, [&](at::Tensor& part_MD) {
    const at::Tensor noise_MD =
        moved_to(part_MD.device(), noise_MC.narrow(1, first, part_MD.size(1)).contiguous());
    const at::Tensor state_MD = part_MD.to(at::kFloat);
    const at::Tensor rms_M1 = state_MD.square().mean(1, true).sqrt();
    first += part_MD.size(1);
    part_MD = (state_MD + sigma * rms_M1 * noise_MD).to(part_MD.scalar_type());
  });
  return disturbed;
}

}  // namespace reprise
