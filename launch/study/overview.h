// A study as a reader sees it: what would run and what it takes (plan), how far it is (status).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "launch/study/runner.h"
#include "launch/study/study_file.h"

namespace reprise {

/// {"study", "out", "nodes": [{"name", "state", "command", "ranks", "key", "folder", ...}]}; the
/// same for both: "command_line" and, of a training to come, "predicted_flops"; "elapsed_s" of what
/// is done; "last_line" of what was interrupted.
nlohmann::json overview(const Study& study, const Graph& graph, const RunnerOptions& options);

/// The command line of every node, those to run marked, and what training will cost.
std::string plan_text(const nlohmann::json& overview);

/// One line a node: its state, how long it took or what it last said.
std::string status_text(const nlohmann::json& overview);

/// Forward and backward FLOPs of the objective over a training run's tokens.
double predicted_training_flops(const nlohmann::json& options);

}  // namespace reprise
