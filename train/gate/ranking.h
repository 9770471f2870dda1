// How well scores rank labels and gains. Neither depends on the order of the rows, so that rows of
// several ranks may come in any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace reprise {

/// One row a token.
struct RankedRows {
  std::vector<float> scores, gains_nats;
  std::vector<uint8_t> labels;
};

/// The probability that a positive row has a larger score than a negative one, ties counting half:
/// the area under the ROC curve (Hanley and McNeil, Radiology 1982). None where all labels are
/// equal.
std::optional<double> roc_auc(std::span<const float> scores, std::span<const uint8_t> labels);

/// What refining the round(share * n) rows of largest score comes to. Rows that tie at the last
/// place count by the share of them that fits in.
struct PickedRows {
  double picked = 0;                ///< rows
  std::optional<double> precision;  ///< of the picked, positives; none where nothing is picked
  std::optional<double> recall;     ///< of the positives, picked; none where there are no positives
  double gain_nats = 0;             ///< that they save, over all rows: nats per token
};
PickedRows pick_rows(const RankedRows& rows, std::span<const float> scores, double share);

}  // namespace reprise
