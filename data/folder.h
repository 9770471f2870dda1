// A folder that is either whole or absent, as base/file.h has it for files.
#pragma once

#include <filesystem>
#include <functional>

namespace reprise {

/// `write` fills <folder>.partial; then it takes the place of `folder`, in one step where the
/// file system can, and what was there is removed. Whatever `write` throws passes through after the
/// partial folder is removed; one left by a kill is removed first. The caller sees to it that
/// nobody else is at work there (base/file_lock.h).
void replace_folder(const std::filesystem::path& folder,
                    const std::function<void(const std::filesystem::path&)>& write);

}  // namespace reprise
