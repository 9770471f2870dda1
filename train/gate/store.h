// What a frozen model says of every token of some batches, on disk, so that many heads and epochs
// read it and the model runs once. docs/gate.md gives the files.
//
//   store/passes_00000_of_00002.h5   the share of every batch that each rank ran
//         passes_00001_of_00002.h5
//         passes.json                last: a folder without it does not count
//
// Any number of ranks reads what any number wrote. fp32 throughout, so that training gives the bits
// of the live passes where as many ranks wrote as read.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/comm/communicator.h"
#include "base/stop_request.h"
#include "train/gate/samples.h"

namespace reprise {

struct StoreShape {
  int64_t batches = 0, sequences = 0, context = 0;
  int64_t state = 0;  ///< channels of the state; 0: none is kept
};

/// Runs `samples` over all batches and leaves the folder complete. `identity`
/// ({"section": {"key": value}}) is what another run must have to read it. Collective. Returns
/// false, and leaves no file of this rank, where a signal asked for an end. Throws kFailure.
bool write_store(const std::filesystem::path& folder, const nlohmann::json& identity,
                 const StoreShape& shape, const SampleSource& samples, Communicator& comm,
                 const StopRequest& stop);

/// Whether a complete store lies there; throws kBadInput where it is one of another identity, or
/// its record is damaged.
bool holds_store(const std::filesystem::path& folder, const nlohmann::json& identity);

/// Reads a complete store of this shape, whose files stay open. Throws kBadInput where a file is
/// missing, damaged or of another store.
SampleSource stored_samples(const std::filesystem::path& folder, const StoreShape& shape,
                            at::Device device);

}  // namespace reprise
