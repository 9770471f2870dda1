// Making a corpus: what `reprise data` does.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "data/options.h"

namespace reprise {

/// Reads the sources, trains or loads the tokenizer, writes the corpus folder whole, and returns
/// its manifest. `config` is the resolved configuration as it is stored. The same configuration and
/// sources give the same bytes. Where --data.out holds that corpus already, nothing is written;
/// where it is damaged it is made again, unless there is anything else in the folder. A corpus of
/// other options or text, and any other folder, are not touched (kUsage). One run at a time:
/// kFailure where another is making the same corpus.
nlohmann::json build_corpus(const DataOptions& options, const nlohmann::json& config);

}  // namespace reprise
