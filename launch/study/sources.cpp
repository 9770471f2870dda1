#include "launch/study/sources.h"

#include <filesystem>
#include <string>

#include "base/digest.h"
#include "base/format.h"
#include "data/source.h"

namespace reprise {
namespace fs = std::filesystem;

std::string digest_of_sources(std::span<const std::string> paths) {
  Sha256Stream digest;
  for (const auto& description : paths) {
    const NamedSource source = find_source(description);
    for (const auto& file : source.files)
      digest.update(concat(source.domain, '\n', file.string(), '\n', fs::file_size(file), '\n',
                           fs::last_write_time(file).time_since_epoch().count(), '\n'));
  }
  return to_hex(digest.finish());
}

}  // namespace reprise
