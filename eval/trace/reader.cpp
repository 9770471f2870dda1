#include "eval/trace/reader.h"

#include "base/error.h"
#include "base/hdf5/column.h"
#include "eval/trace/validate.h"

namespace reprise {
namespace {

/// Fills the members of `columns` from the datasets of a group, rows [first, first + count) of
/// each.
template <class Columns>
class ColumnReader {
 public:
  ColumnReader(const hdf5::Group& group, Columns& columns, Passes passes, int64_t first,
               int64_t count)
      : group_(group), columns_(columns), passes_(passes), first_(first), count_(count) {}

  template <class T>
  void operator()(const char* name, std::vector<T> Columns::*member, const char*, const char*,
                  Passes least) const {
    if (least == Passes::kRefined && passes_ == Passes::kBaseOnly) return;
    auto& values = columns_.*member;
    values.resize(static_cast<size_t>(count_));
    hdf5::Column<T>::open(group_, name).read(first_, values);
  }

 private:
  const hdf5::Group& group_;
  Columns& columns_;
  Passes passes_;
  int64_t first_, count_;
};

int64_t rows_of(const hdf5::File& file, const std::string& group) {
  require(file.contains(group), ExitCode::kInvalidTrace, file.place(), ": no group ", group);
  return hdf5::Column<int64_t>::open(file.open_group(group), "row").size();
}

}  // namespace

TraceReader::TraceReader(const std::filesystem::path& path)
    : file_(hdf5::File::open(path)),
      attributes_(read_attributes(file_)),
      passes_(file_.open_group("tokens").contains("nll_gated") ? Passes::kRefined
                                                               : Passes::kBaseOnly),
      tokens_(rows_of(file_, "tokens")),
      documents_(rows_of(file_, "documents")) {}

TokenColumns TraceReader::tokens(int64_t first, int64_t count) const {
  TokenColumns columns;
  const hdf5::Group group = file_.open_group("tokens");
  visit_token_columns(ColumnReader<TokenColumns>(group, columns, passes_, first, count));
  return columns;
}

DocumentColumns TraceReader::documents() const {
  DocumentColumns columns;
  const hdf5::Group group = file_.open_group("documents");
  visit_document_columns(ColumnReader<DocumentColumns>(group, columns, passes_, 0, documents_));
  return columns;
}

Trace read_trace(const std::filesystem::path& path) {
  const TraceReader reader(path);
  Trace trace{reader.attributes(), reader.passes(), reader.tokens(), reader.documents()};
  validate(trace, path.string());
  return trace;
}

}  // namespace reprise
