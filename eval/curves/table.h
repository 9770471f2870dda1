// Curves as text: a table for each gate, a line for each budget.
#pragma once

#include <string>

#include "eval/curves/curve.h"

namespace reprise {

std::string curves_table(const Curves& curves);

}  // namespace reprise
