// Options of `reprise gate`, section [gate].
#pragma once

#include "base/device.h"
#include "base/options.h"
#include "models/gate_head.h"
#include "train/gate/objective.h"
#include "train/gate/observe.h"
#include "train/options.h"

namespace reprise {

enum class PassesFrom { kLive, kStored };
template <>
struct EnumNames<PassesFrom> {
  static constexpr std::array names{std::pair{PassesFrom::kLive, "live"},
                                    std::pair{PassesFrom::kStored, "stored"}};
};

struct GateOptions {
  std::string model, corpus, out, store;
  HeadOptions head;
  GateObjectiveOptions objective;
  ObserveOptions observe;
  PassesFrom passes = PassesFrom::kLive;
  int64_t steps = 300, sequences = 16, batches = 0, valid_sequences = 64;
  double rate = 0.003, weight_decay = 0.01, warm_down = 0.4;
  Precision precision = Precision::kFp32;
  int64_t seed = 1, threads = 0;
  DeviceChoice device = DeviceChoice::kAuto;
  int64_t checkpoint_every = 200;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("model", model, "folder", "the trained model, which stays as it is");
    field("corpus", corpus, "folder",
          "what `reprise data` wrote; the head learns on its train split and is measured on valid");
    field("out", out, "folder", "where the head, its record and the metrics are written");
    head.visit(field);
    objective.visit(field);
    observe.visit(field);
    field(
        "passes", passes, "",
        "live: every step runs the model on its batch; stored: a first run writes what it says of "
        "every batch to a file, which the steps read; to the same bits");
    field("store", store, "folder",
          "stored: where; another head of the same model and text may read it again");
    field("steps", steps, "steps", "optimiser steps");
    field("sequences", sequences, "sequences", "of model.context tokens in a step, over all ranks");
    field("batches", batches, "batches",
          "different ones, which the steps go through again and again; 0: one for each step");
    field("valid-sequences", valid_sequences, "sequences",
          "of the valid split on which the head is measured; fewer where it is shorter");
    field("rate", rate, "per step", "AdamW's learning rate");
    field("weight-decay", weight_decay, "per rate",
          "decoupled decay of the weights, not of biases");
    field("warm-down", warm_down, "share of steps",
          "the learning rate falls linearly towards 0 over the last of training");
    field("precision", precision, "",
          "arithmetic of the model's passes; the head is trained in fp64 and stored in fp32");
    field("seed", seed, "",
          "of the head's initial weights, of the order of the text, of the pairs");
    field("device", device, "",
          "where tensors live: cuda takes one GPU a rank; auto: cuda in a program built for it, "
          "where every rank sees a GPU, else cpu");
    field("threads", threads, "threads per rank",
          "0: the cores of this machine shared out among the ranks");
    field("checkpoint-every", checkpoint_every, "steps",
          "between checkpoints; 0: only when a signal stops the run");
  }

  int64_t distinct_batches() const { return batches > 0 ? batches : steps; }
};

/// Throws kUsage, in one line, also where this machine lacks the device asked for.
void validate(const GateOptions& options);
/// The same for what the model decides.
void validate(const GateOptions& options, const ModelOptions& model);

}  // namespace reprise
