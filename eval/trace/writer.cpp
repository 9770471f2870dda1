#include "eval/trace/writer.h"

#include <memory>
#include <numeric>

#include "base/error.h"
#include "base/file.h"

namespace reprise {
namespace {

constexpr int64_t kHashWidth = 64;  // hex characters of a SHA-256

/// Creates datasets below one group and binds each to the member it is filled from. The group's
/// first dataset is `row`, the scale that names the one dimension of all others.
template <class Columns>
class ColumnFactory {
 public:
  using Appender = std::function<void(const Columns&)>;

  ColumnFactory(const hdf5::Group& group, const Recorded& recorded,
                std::vector<Appender>& appenders)
      : group_(group), recorded_(recorded), appenders_(appenders) {
    row_ = std::make_shared<hdf5::Column<int64_t>>(hdf5::Column<int64_t>::create(
        group, "row", {.units = "1", .long_name = "row number", .checksum = true}));
    hdf5::make_scale(*row_);
    appenders_.push_back([row = row_](const Columns& columns) {
      std::vector<int64_t> rows(size_of(columns));
      std::iota(rows.begin(), rows.end(), row->size());
      row->append(rows);
    });
  }

  template <class T>
  void operator()(const char* name, std::vector<T> Columns::*member, const char* units,
                  const char* long_name, ColumnGroup group) const {
    if (!recorded_.holds(group)) return;
    auto column = std::make_shared<hdf5::Column<T>>(hdf5::Column<T>::create(
        group_, name,
        {.units = units, .long_name = long_name, .width = kHashWidth, .checksum = true}));
    hdf5::attach_scale(*column, *row_);
    appenders_.push_back([column, member, name = std::string(name)](const Columns& columns) {
      require((columns.*member).size() == size_of(columns), ExitCode::kFailure, column->place(),
              ": a block with ", (columns.*member).size(), " values of ", size_of(columns));
      column->append(columns.*member);
    });
  }

 private:
  static size_t size_of(const TokenColumns& columns) { return columns.token.size(); }
  static size_t size_of(const DocumentColumns& columns) { return columns.tokens.size(); }

  const hdf5::Group& group_;
  Recorded recorded_;
  std::vector<Appender>& appenders_;
  std::shared_ptr<hdf5::Column<int64_t>> row_;
};

}  // namespace

TraceWriter::TraceWriter(const std::filesystem::path& path, const Recorded& recorded)
    : file_(hdf5::File::create(path)) {
  const hdf5::Group tokens = file_.create_group("tokens"),
                    documents = file_.create_group("documents");
  visit_token_columns(ColumnFactory<TokenColumns>(tokens, recorded, token_columns_));
  visit_document_columns(ColumnFactory<DocumentColumns>(documents, recorded, document_columns_));
}

void TraceWriter::append(const TokenColumns& tokens, const DocumentColumns& documents) {
  TokenColumns shifted_tokens = tokens;
  DocumentColumns shifted_documents = documents;
  shift_rows(shifted_tokens, shifted_documents, static_cast<size_t>(tokens_),
             static_cast<size_t>(documents_));
  for (const auto& append_column : token_columns_) append_column(shifted_tokens);
  for (const auto& append_column : document_columns_) append_column(shifted_documents);
  tokens_ += std::ssize(tokens.token);
  documents_ += std::ssize(documents.tokens);
}

void TraceWriter::close(const TraceAttributes& attributes) {
  write_attributes(file_, attributes);
  token_columns_.clear();
  document_columns_.clear();
  file_.close();
}

void write_trace(const std::filesystem::path& path, const Recorded& recorded,
                 const TokenColumns& tokens, const DocumentColumns& documents,
                 const TraceAttributes& attributes) {
  replace_file(path, [&](const std::filesystem::path& temporary) {
    TraceWriter writer(temporary, recorded);
    writer.append(tokens, documents);
    writer.close(attributes);
  });
}

}  // namespace reprise
