#include "data/source.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "data/shard.h"

namespace reprise {
namespace fs = std::filesystem;
namespace {

class TextFile : public SourceFile {
 public:
  explicit TextFile(fs::path path) : path_(std::move(path)) {}

  void scan(const Visit& visit) const override {
    std::string text = read_text(path_);
    const DocumentPlace place{0, static_cast<int64_t>(text.size())};
    visit(place, std::move(text));
  }

  std::string text(const DocumentPlace&) const override { return read_file(path_); }

 private:
  fs::path path_;
};

class JsonLinesFile : public SourceFile {
 public:
  explicit JsonLinesFile(const fs::path& path) : path_(path), file_(path) {}

  void scan(const Visit& visit) const override {
    const auto whole = bytes({0, static_cast<int64_t>(file_.bytes().size())});
    for (size_t start = 0; start < whole.size();) {
      const size_t end = std::min(whole.find('\n', start), whole.size());
      const DocumentPlace place{static_cast<int64_t>(start), static_cast<int64_t>(end - start)};
      if (whole.find_first_not_of(" \t\r", start) < end) visit(place, text(place));
      start = end + 1;
    }
  }

  std::string text(const DocumentPlace& place) const override {
    const auto line = bytes(place);
    const size_t bad = first_invalid_utf8(line);
    if (bad != std::string_view::npos) reject(place, "not UTF-8 at its byte ", bad);
    try {
      auto value = nlohmann::json::parse(line);
      const auto text = value.is_object() ? value.find("text") : value.end();
      if (text == value.end() || !text->is_string())
        reject(place, "no object with a string in its field \"text\"");
      return std::move(text->get_ref<std::string&>());
    } catch (const nlohmann::json::parse_error& error) {
      reject(place, "not JSON at its byte ", error.byte);
    }
  }

 private:
  /// Fails for a line; its number is counted only then.
  template <class... Parts>
  [[noreturn]] void reject(const DocumentPlace& place, const Parts&... reason) const {
    const auto before = bytes({0, place.offset});
    fail(ExitCode::kBadInput, path_.string(), ", line ", 1 + std::ranges::count(before, '\n'), ": ",
         reason...);
  }

  std::string_view bytes(const DocumentPlace& place) const {
    return {reinterpret_cast<const char*>(file_.bytes().data()) + place.offset,
            static_cast<size_t>(place.length)};
  }

  fs::path path_;
  MappedFile file_;
};

/// Tokens ahead of the first begin-of-document finish a document of the shard before: here they are
/// one of their own.
class ShardFile : public SourceFile {
 public:
  ShardFile(const fs::path& path, const Tokenizer& tokenizer)
      : shard_(path), tokenizer_(tokenizer) {}

  void scan(const Visit& visit) const override {
    const auto tokens = shard_.tokens();
    const auto alien =
        std::ranges::find_if(tokens, [&](Token token) { return token >= tokenizer_.vocab(); });
    require(alien == tokens.end(), ExitCode::kBadInput, shard_.path().string(), ": token ",
            alien - tokens.begin(), " is beyond the tokenizer's ", tokenizer_.vocab(),
            " pieces; another tokenizer?");
    for (size_t start = 0; start < tokens.size();) {
      const size_t first = start + (tokens[start] == kBeginOfDocument);
      const auto next = std::ranges::find(tokens.subspan(first), kBeginOfDocument);
      const auto length = next - tokens.subspan(first).begin();
      const DocumentPlace place{static_cast<int64_t>(first), length};
      visit(place, text(place));
      start = first + static_cast<size_t>(length);
    }
  }

  std::string text(const DocumentPlace& place) const override {
    return tokenizer_.decode(shard_.tokens().subspan(static_cast<size_t>(place.offset),
                                                     static_cast<size_t>(place.length)));
  }

 private:
  Shard shard_;
  const Tokenizer& tokenizer_;
};

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

/// Of the domain in "domain:path"; 0 where there is only a path.
size_t length_of_domain(const std::string& description) {
  const size_t colon = description.find(':');
  return colon != std::string::npos && description.find('/') > colon ? colon : 0;
}

/// Nothing that is named as text is passed over in silence, nor waited for.
void require_text_in(const fs::directory_entry& entry) {
  require(!entry.is_directory(), ExitCode::kBadInput, entry.path().string(),
          ": a link to a folder, which is not followed; name that as a source of its own");
  require(entry.is_regular_file(), ExitCode::kBadInput, entry.path().string(),
          ": neither a file nor a folder; move it away");
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  fs::recursive_directory_iterator end, entry(folder);
  for (; entry != end; ++entry) {
    const bool to_descend = entry->is_directory() && !entry->is_symlink();
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
    } else if (!to_descend) {
      require_text_in(*entry);
      files.push_back(entry->path());
    }
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

fs::path path_of_source(const std::string& description) {
  const size_t domain = length_of_domain(description);
  return domain == 0 ? description : description.substr(domain + 1);
}

NamedSource find_source(const std::string& description) {
  const fs::path path = path_of_source(description);
  NamedSource source{description.substr(0, length_of_domain(description)), {}};
  try {
    const auto status = fs::status(path);
    require(fs::exists(status), ExitCode::kBadInput, "--data.source ", path.string(),
            ": no such file or folder");
    if (!fs::is_directory(status)) require_text_in(fs::directory_entry(path));
    source.files = fs::is_directory(status) ? files_below(path) : std::vector{path};
  } catch (const fs::filesystem_error& error) {
    fail(ExitCode::kBadInput, "cannot list ", path.string(), ": ", error.code().message());
  }
  require(!source.files.empty(), ExitCode::kBadInput, path.string(), ": the folder holds no file");
  // "books/" and "books/." are the folder books.
  const fs::path plain = fs::absolute(path).lexically_normal();
  const fs::path last = plain.has_filename() ? plain : plain.parent_path();
  if (source.domain.empty())
    source.domain = (fs::is_directory(last) ? last.filename() : last.stem()).string();
  return source;
}

std::unique_ptr<SourceFile> open_source_file(const fs::path& path, const Tokenizer* tokenizer) {
  if (path.extension() == ".jsonl") return std::make_unique<JsonLinesFile>(path);
  if (path.extension() != ".bin") return std::make_unique<TextFile>(path);
  require(tokenizer, ExitCode::kUsage, path.string(),
          ": shards hold tokens; name the model that wrote them with --data.tokenizer");
  return std::make_unique<ShardFile>(path, *tokenizer);
}

}  // namespace reprise
