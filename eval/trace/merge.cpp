#include "eval/trace/merge.h"

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "eval/trace/reader.h"

namespace reprise {
namespace fs = std::filesystem;
namespace {

void require_cover(const std::vector<Segment>& segments, int64_t units) {
  int64_t next = 0;
  for (const auto& segment : segments) {
    require(segment.units.first == next, ExitCode::kFailure, "segment ", segment.file,
            " starts at unit ", segment.units.first, ", the one before ends at ", next);
    next = segment.units.end();
  }
  require(next == units, ExitCode::kFailure, "segments cover ", next, " of ", units,
          " units of work");
}

}  // namespace

void merge_segments(const fs::path& folder, const std::vector<Segment>& segments, int64_t units,
                    const fs::path& path, const JoinAttributes& join) {
  require_cover(segments, units);
  require(!segments.empty(), ExitCode::kFailure, "no segments to join");
  replace_file(path, [&](const fs::path& temporary) {
    const Recorded recorded = TraceReader(folder / segments.front().file).recorded();
    TraceWriter writer(temporary, recorded);
    std::vector<TraceAttributes> attributes;
    for (const auto& segment : segments) {
      const fs::path file = folder / segment.file;
      require(to_hex(sha256_file(file)) == segment.sha256, ExitCode::kFailure, file.string(),
              ": changed on disk since it was written; run again, and it is scored again");
      const TraceReader reader(file);
      writer.append(reader.tokens(), reader.documents());
      attributes.push_back(reader.attributes());
    }
    writer.close(join(attributes));
  });
}

}  // namespace reprise
