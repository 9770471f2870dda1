// The arms: which predictions each mixes, what was fitted to it, what it costs.
// docs/alternatives.md says what each is a control for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/alternatives/fit.h"
#include "eval/alternatives/options.h"
#include "eval/alternatives/second_look.h"

namespace reprise {

/// Something that gives a prediction for every scored row.
struct Source {
  enum Kind {
    kState,       ///< index: State
    kPass,        ///< index: base pass, from 0
    kSecond,      ///< the second artifact, without a second look
    kTrajectory,  ///< index: its number, from 0; sigma
    kSerial,      ///< index: refinement passes behind the base passes, from 2
  } kind = kState;
  int64_t index = 0;
  double sigma = 0;
  bool operator==(const Source&) const = default;
};

enum class Mixing { kProbabilities, kLogits };

/// What a decoder runs for an arm, beside the artifact's base passes and one readout.
struct ArmCost {
  bool own_base = true, second_base = false, gated = false;
  int64_t readouts = 0;      ///< of earlier base passes
  int64_t refinements = 0;   ///< of every position
  int64_t spared_heads = 0;  ///< refinements that are not read out
};

struct Arm {
  std::string name;
  std::vector<size_t> sources;  ///< of ArmPlan::sources
  Mixing mixing = Mixing::kProbabilities;
  std::optional<ReadoutChange> change = {};  ///< of the mean of logits
  std::string fitted = {};                   ///< what was: "temperature", ...; empty: nothing
  int64_t fitted_numbers = 0;
  ArmCost cost = {};
};

struct ArmPlan {
  std::vector<Source> sources;
  std::vector<Arm> arms;  ///< names are unique

  std::optional<size_t> find(const std::string& name) const;
  size_t at(const std::string& name) const;  ///< throws kFailure where there is none
};

/// What the arms are made for.
struct ArmChoices {
  int64_t base_passes = 1;
  std::vector<FittedState> fitted;                    ///< by State
  bool has_second = false, second_is_better = false;  ///< on the valid split
  SearchWidths widths;
};

ArmPlan plan_arms(const ArmChoices& choices);

// Names that comparisons look arms up by.
inline constexpr std::array kStateNames{"none", "all", "gated"};
std::string parallel_name(int64_t trajectories, double sigma);
std::string serial_name(int64_t passes);

}  // namespace reprise
