// Which runs of work units are finished, across kills and restarts.
//
// A segment is a closed trace file over consecutive units. It is in the ledger once it is whole on
// disk: written to a temporary name, synced, renamed, then named here with its checksum, in one
// synced line of JSON. Every rank appends to a ledger of its own; opening them joins the ledgers of
// all earlier ranks, however many there were, into one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/comm/communicator.h"

namespace reprise {

/// Units [first, first + count).
struct UnitRange {
  int64_t first = 0, count = 0;
  int64_t end() const { return first + count; }
  bool operator==(const UnitRange&) const = default;
};

struct Segment {
  UnitRange units;
  std::string file = {};    ///< name inside the ledger's folder
  std::string sha256 = {};  ///< of the file, in hex
  double writing_s = 0;     ///< what writing and summing it took
};

class SegmentLedger {
 public:
  /// Collective. Reads what earlier runs left in `folder`, keeps the segments whose files still
  /// have their checksum, deletes the others, and says how many. Throws kBadInput where they belong
  /// to another `configuration`.
  SegmentLedger(std::filesystem::path folder, std::string configuration, Communicator& comm);

  /// What was finished before this run, the same on every rank, in unit order.
  const std::vector<Segment>& finished() const { return finished_; }
  /// Has `write` make the segment over these units at the path it is given, then enters it.
  void add(UnitRange units, const std::function<void(const std::filesystem::path&)>& write);
  std::filesystem::path path_of(UnitRange units) const;
  /// Collective: all segments, this run's included, in unit order.
  std::vector<Segment> all(Communicator& comm) const;

 private:
  std::filesystem::path folder_;
  std::string configuration_;
  int rank_;
  std::vector<Segment> finished_, added_;
};

/// Runs of at most `most` units that cover [0, units) except what `finished` covers, in order.
std::vector<UnitRange> unfinished_ranges(int64_t units, int64_t most,
                                         const std::vector<Segment>& finished);

}  // namespace reprise
