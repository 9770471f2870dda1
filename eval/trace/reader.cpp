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
  ColumnReader(const hdf5::Group& group, Columns& columns, const Recorded& recorded, int64_t first,
               int64_t count)
      : group_(group), columns_(columns), recorded_(recorded), first_(first), count_(count) {}

  template <class T>
  void operator()(const char* name, std::vector<T> Columns::*member, const char*, const char*,
                  ColumnGroup group) const {
    if (!recorded_.holds(group)) return;
    auto& values = columns_.*member;
    values.resize(static_cast<size_t>(count_));
    hdf5::Column<T>::open(group_, name).read(first_, values);
  }

 private:
  const hdf5::Group& group_;
  Columns& columns_;
  Recorded recorded_;
  int64_t first_, count_;
};

int64_t rows_of(const hdf5::File& file, const std::string& group) {
  require(file.contains(group), ExitCode::kInvalidTrace, file.place(), ": no group ", group);
  return hdf5::Column<int64_t>::open(file.open_group(group), "row").size();
}

Recorded recorded_in(const hdf5::Group& tokens) {
  Recorded recorded(tokens.contains("nll_gated") ? Passes::kRefined : Passes::kBaseOnly);
  recorded.states = tokens.contains("residual");
  recorded.earlier = tokens.contains("divergence");
  recorded.head = tokens.contains("head_score");
  return recorded;
}

}  // namespace

TraceReader::TraceReader(const std::filesystem::path& path)
    : file_(hdf5::File::open(path)),
      attributes_(read_attributes(file_)),
      recorded_(recorded_in(file_.open_group("tokens"))),
      tokens_(rows_of(file_, "tokens")),
      documents_(rows_of(file_, "documents")) {}

TokenColumns TraceReader::tokens(int64_t first, int64_t count) const {
  TokenColumns columns;
  const hdf5::Group group = file_.open_group("tokens");
  visit_token_columns(ColumnReader<TokenColumns>(group, columns, recorded_, first, count));
  return columns;
}

DocumentColumns TraceReader::documents() const {
  DocumentColumns columns;
  const hdf5::Group group = file_.open_group("documents");
  visit_document_columns(ColumnReader<DocumentColumns>(group, columns, recorded_, 0, documents_));
  return columns;
}

Trace read_trace(const std::filesystem::path& path) {
  const TraceReader reader(path);
  Trace trace{reader.attributes(), reader.passes(), reader.tokens(), reader.documents()};
  validate(trace, path.string());
  return trace;
}

}  // namespace reprise
