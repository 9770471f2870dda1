#include "launch/command_table.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/options.h"

namespace reprise {
namespace {

constexpr std::array kCommands{
    Command{"data", "turn text into token shards, a document index and a tokenizer", run_data},
    Command{"train", "train a model on a corpus; continues from its checkpoint", run_train},
    Command{"gate", "train a gate head on a frozen model: which tokens a second look is worth",
            run_gate},
    Command{"pack", "quantise and code a checkpoint into an artifact of a given number of bytes",
            run_pack},
    Command{"artifact", "show what is in an artifact: where its bytes went, coders, bits a weight",
            run_artifact},
    Command{"eval", "score a corpus with an artifact, gate and controls, into a per-token trace",
            run_eval},
    Command{"curves", "draw what every gate gives at every budget, from two traces", run_curves},
    Command{"sweep", "run every drawn gate at every budget in one reading, under any key rule",
            run_sweep},
    Command{"alternatives",
            "weigh a second look against calibration, readouts, ensembles, parallel trajectories",
            run_alternatives},
    Command{"verdict", "decide the claims from the traces of two arms", run_verdict},
    Command{"report", "write a verdict as one HTML file", run_report},
    Command{"size",
            "say what a configuration costs, or find the shape that fills a number of bytes",
            run_size},
    Command{"study", "plan, run or show a whole study: every command above, for every arm and seed",
            run_study},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command& find_command(std::string_view name) {
  const auto found = std::ranges::find(kCommands, name, &Command::name);
  if (found != kCommands.end()) return *found;
  std::vector<std::string> names;
  for (const auto& command : kCommands) names.emplace_back(command.name);
  const std::string near = nearest_name(name, names);
  fail(ExitCode::kUsage, "unknown command '", name, "'",
       near.empty() ? "; see reprise --help" : concat("; did you mean '", near, "'?"));
}

std::string program_help() {
  std::string text =
      "reprise <command> [--config FILE ...] [--section.key VALUE ...]\n"
      "\n"
      "Is a second look at the uncertain tokens worth more than the bytes it replaces? One command "
      "for\n"
      "each stage of the road, or `reprise study run` for all of them.\n"
      "\n";
  for (const auto& command : kCommands)
    text += concat("  ", command.name, std::string(13 - command.name.size(), ' '), command.summary,
                   "\n");
  text +=
      "\n"
      "  reprise <command> --help   every option of a command, with unit and default\n"
      "  reprise --version          what this program was built from\n"
      "\n"
      "Options come from defaults, then configuration files from left to right, then the command "
      "line.\n"
      "train, gate, pack, eval, sweep and alternatives run on several ranks: mpirun -q -n 2 "
      "reprise "
      "train ...\n"
      "Data goes to stdout, progress to stderr; REPRISE_LOG=debug|info|warning|error|off sets how "
      "much of it.\n"
      "\n"
      "Exit codes: 0 done, 1 fault of the machine or the program, 2 usage, 3 bad input, 4 byte "
      "target\n"
      "unreachable, 5 invalid trace, 6 inconclusive, 75 stopped and resumable.\n";
  return text;
}

}  // namespace reprise
