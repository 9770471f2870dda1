// Runs every file of the named folders through the fuzz target's check. What is called loads-*
// must load, what is called refused-* must not; anything else may do either (what a fuzzer found).
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <vector>

#include "base/file.h"
#include "base/format.h"
#include "tests/fuzz/check_artifact.h"

namespace {
namespace fs = std::filesystem;

/// Empty where all is well.
std::string complaint(const fs::path& file) {
  try {
    const bool loads = reprise::loads_soundly(reprise::read_file(file));
    const std::string name = file.filename().string();
    if (loads && name.starts_with("refused-")) return "it loads";
    if (!loads && name.starts_with("loads-")) return "it is refused";
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

std::vector<fs::path> files_of(int argc, char** argv) {
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : fs::recursive_directory_iterator(argv[i]))
      if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<fs::path> files = files_of(argc, argv);
  int complaints = files.empty() ? 1 : 0;
  for (const fs::path& file : files) {
    const std::string what = complaint(file);
    if (what.empty()) continue;
    std::cerr << file.string() << ": " << what << '\n';
    ++complaints;
  }
  std::cout << files.size() << " files, " << complaints << " complaints\n";
  return complaints == 0 ? 0 : 1;
}
