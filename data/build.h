// Making a corpus: what `reprise data` does.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "data/options.h"

namespace reprise {

/// Reads the sources, trains or loads the tokenizer, writes the corpus folder whole, and returns
/// its manifest. `config` is the resolved configuration as it is stored. The same configuration and
/// sources give the same bytes. An existing corpus at --data.out is replaced; a folder with
/// anything else in it is not touched (kUsage).
nlohmann::json build_corpus(const DataOptions& options, const nlohmann::json& config);

}  // namespace reprise
