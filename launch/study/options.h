// Options of `reprise study`: the command's own and the [study] section of a study file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace reprise {

struct StudyOptions {
  std::string file, out;
  std::vector<std::string> arms, contrast, seeds{"1"};
  int64_t ranks = 2, threads = 1;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("file", file, "file",
          "the study: this section, those below, and [ARM.section] for one arm");
    field("out", out, "folder", "where everything is kept; none: runs/ and the file's name");
    field("arms", arms, "names", "models to train; written in the file alone");
    field("contrast", contrast, "two arms",
          "what the verdict compares: the recurrent, then the static");
    field("seeds", seeds, "whole numbers", "each trains every arm once");
    field("ranks", ranks, "ranks", "of training and evaluation, under mpirun");
    field("threads", threads, "threads per rank", "of tensor work");
  }
};

}  // namespace reprise
