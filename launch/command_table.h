// The commands of the program, in the order of the road.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "launch/command.h"

namespace reprise {

std::span<const Command> commands();

/// Throws kUsage, offering the nearest name: a command is written out in full.
const Command& find_command(std::string_view name);

/// `reprise --help`: the commands, what all of them share, the exit codes.
std::string program_help();

}  // namespace reprise
