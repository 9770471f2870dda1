// The graph of a study:
//
//   data -> train -> pack -> eval -> verdict -> report
//
// with a train, pack and eval for every arm and seed. The verdict reads the two arms of the
// contrast; other arms end with their evaluation.
#pragma once

#include <string>

#include "launch/study/node.h"
#include "launch/study/study_file.h"

namespace reprise {

/// `source_digest` stands for the text of data.source and data.tokenizer (sources.h): new text runs
/// everything again.
Graph build_graph(const Study& study, const std::string& source_digest);

}  // namespace reprise
