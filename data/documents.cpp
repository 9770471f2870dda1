#include "data/documents.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "base/progress.h"
#include "base/utf8.h"

namespace reprise {
namespace {

void check_source_options(const DataOptions& options) {
  require(!options.source.empty(), ExitCode::kUsage,
          "--data.source is missing: name folders or files with text");
  const auto is_share = [](double share) { return share >= 0 && share < 1; };
  require(is_share(options.valid_share) && is_share(options.test_share) &&
              options.valid_share + options.test_share < 1,
          ExitCode::kUsage, "--data.valid-share ", options.valid_share, " and --data.test-share ",
          options.test_share, " must not be negative and must leave some documents to train on");
  require(options.max_document_bytes >= 0 && options.max_bytes >= 0, ExitCode::kUsage,
          "--data.max-document-bytes and --data.max-bytes must not be negative");
}

std::string cut_text(std::string text, int64_t limit) {
  if (limit > 0) text.resize(cut_utf8(text, static_cast<size_t>(limit)).size());
  return text;
}

}  // namespace

Split split_of(const Sha256& hash, double valid_share, double test_share) {
  uint64_t back = 0;
  for (size_t i = hash.size() - 8; i < hash.size(); ++i) back = back << 8 | hash[i];
  const double position = static_cast<double>(back >> 11) * 0x1p-53;
  if (position < test_share) return Split::kTest;
  return position < test_share + valid_share ? Split::kValid : Split::kTrain;
}

DocumentPool::DocumentPool(const DataOptions& options, const Tokenizer* tokenizer)
    : options_(options) {
  check_source_options(options);
  std::vector<NamedSource> sources;
  std::set<std::string> names;
  for (const auto& description : options.source) {
    sources.push_back(find_source(description));
    names.insert(sources.back().domain);
  }
  domains_.assign(names.begin(), names.end());
  for (const auto& source : sources) {
    const auto domain = std::distance(names.begin(), names.find(source.domain));
    for (const auto& path : source.files) {
      paths_.push_back(path);
      domain_of_file_.push_back(static_cast<uint32_t>(domain));
      files_.push_back(open_source_file(path, tokenizer));
    }
  }
  auto documents = scan();
  drop_duplicates(documents);
  drop_beyond_limit(documents);
  deal(documents);
}

std::vector<FoundDocument> DocumentPool::scan() {
  std::vector<FoundDocument> documents;
  Progress progress("source files", static_cast<int64_t>(files_.size()), 0);
  for (uint32_t file = 0; file < files_.size(); ++file) {
    files_[file]->scan([&](const DocumentPlace& place, std::string text) {
      ++left_out_.found;
      const size_t whole = text.size();
      text = cut_text(std::move(text), options_.max_document_bytes);
      if (text.empty()) {
        ++left_out_.empty;
        return;
      }
      left_out_.cut += text.size() < whole;
      left_out_.cut_bytes += static_cast<int64_t>(whole - text.size());
      documents.push_back(
          {sha256(text), static_cast<int64_t>(text.size()), file, domain_of_file_[file], place});
    });
    progress.update(file + 1, concat(documents.size(), " documents"));
  }
  require(!documents.empty(), ExitCode::kBadInput, options_.source[0],
          options_.source.size() > 1 ? " and the other sources hold" : ": the source holds",
          " no text");
  return documents;
}

void DocumentPool::drop_duplicates(std::vector<FoundDocument>& documents) {
  // Behind the hash and the domain comes the place, so that the same file is read again in every
  // run.
  std::ranges::sort(documents, {}, [](const FoundDocument& document) {
    return std::tuple(document.hash, document.domain, document.file, document.place.offset);
  });
  const auto rest = std::ranges::unique(documents, {}, &FoundDocument::hash);
  left_out_.duplicates = static_cast<int64_t>(rest.size());
  documents.erase(rest.begin(), rest.end());
}

void DocumentPool::drop_beyond_limit(std::vector<FoundDocument>& documents) {
  if (options_.max_bytes == 0) return;
  std::vector<int64_t> taken(domains_.size(), 0);
  std::vector<bool> full(domains_.size(), false);
  left_out_.beyond_limit =
      static_cast<int64_t>(std::erase_if(documents, [&](const FoundDocument& document) {
        int64_t& bytes = taken[document.domain];
        if (full[document.domain] || bytes + document.bytes > options_.max_bytes) {
          full[document.domain] = true;
          return true;
        }
        bytes += document.bytes;
        return false;
      }));
}

void DocumentPool::deal(const std::vector<FoundDocument>& documents) {
  for (const auto& document : documents) {
    const Split split = split_of(document.hash, options_.valid_share, options_.test_share);
    splits_[static_cast<size_t>(split)].push_back(document);
  }
  const double train_share = 1 - options_.valid_share - options_.test_share;
  const std::array shares{std::pair{Split::kTrain, train_share},
                          std::pair{Split::kValid, options_.valid_share},
                          std::pair{Split::kTest, options_.test_share}};
  for (const auto& [split, share] : shares)
    require(share == 0 || !this->documents(split).empty(), ExitCode::kBadInput,
            "the corpus is too small to split: of ", documents.size(), " documents none fell into ",
            enum_name(split), ", whose share is ", share, "; add documents or raise the share");
}

std::string DocumentPool::text(const FoundDocument& document) const {
  std::string text =
      cut_text(files_[document.file]->text(document.place), options_.max_document_bytes);
  require(sha256(text) == document.hash, ExitCode::kBadInput, origin(document),
          ": changed while the corpus was made; run the command again");
  return text;
}

}  // namespace reprise
