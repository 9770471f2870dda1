#include "data/index.h"

#include "base/file.h"
#include "base/hdf5/column.h"
#include "data/manifest.h"

namespace reprise {
namespace {

constexpr int64_t kIndexSchema = 1;

/// A column made and filled at once, along the dimension `scale` where there is one.
template <class T>
hdf5::Column<T> write_column(const hdf5::Group& group, const std::string& name,
                             const hdf5::ColumnOptions& options, const std::vector<T>& values,
                             const hdf5::Node* scale) {
  auto column = hdf5::Column<T>::create(group, name, options);
  column.append(values);
  if (scale)
    hdf5::attach_scale(column, *scale);
  else
    hdf5::make_scale(column);
  return column;
}

template <class T, class Field>
std::vector<T> collect(const std::vector<Document>& documents, const Field& field) {
  std::vector<T> values;
  values.reserve(documents.size());
  for (const auto& document : documents) values.push_back(static_cast<T>(field(document)));
  return values;
}

void write_documents(const hdf5::Group& group, const std::vector<Document>& documents) {
  std::vector<uint32_t> rows(documents.size());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<uint32_t>(i);
  const auto scale = write_column(
      group, "document", {.units = "1", .long_name = "number of the document"}, rows, nullptr);
  write_column(
      group, "first_token",
      {.units = "1", .long_name = "position of its begin-of-document in the split's tokens"},
      collect<uint64_t>(documents, [](const Document& document) { return document.first_token; }),
      &scale);
  write_column(
      group, "tokens", {.units = "1", .long_name = "tokens, begin-of-document included"},
      collect<uint32_t>(documents, [](const Document& document) { return document.tokens; }),
      &scale);
  write_column(
      group, "bytes", {.units = "bytes", .long_name = "UTF-8 length of its text"},
      collect<uint64_t>(documents, [](const Document& document) { return document.bytes.value; }),
      &scale);
  write_column(
      group, "domain", {.units = "1", .long_name = "index into the attribute domains"},
      collect<uint16_t>(documents, [](const Document& document) { return document.domain; }),
      &scale);
  write_column(
      group, "hash",
      {.units = "1", .long_name = "SHA-256 of its text as read from the source", .width = 64},
      collect<std::string>(documents,
                           [](const Document& document) { return to_hex(document.hash); }),
      &scale);
}

Sha256 from_hex(const std::string& hex, const hdf5::Node& column) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  Sha256 hash{};
  bool valid = hex.size() == 2 * hash.size();
  for (size_t i = 0; valid && i < hash.size(); ++i) {
    const int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    valid = high >= 0 && low >= 0;
    hash[i] = static_cast<uint8_t>(high * 16 + low);
  }
  require(valid, ExitCode::kBadInput, column.place(), ": '", hex, "' is not a SHA-256");
  return hash;
}

std::vector<Document> read_documents(const hdf5::Group& group, size_t domains) {
  const auto first = hdf5::Column<uint64_t>::open(group, "first_token").read_all();
  const auto tokens = hdf5::Column<uint32_t>::open(group, "tokens").read_all();
  const auto bytes = hdf5::Column<uint64_t>::open(group, "bytes").read_all();
  const auto domain = hdf5::Column<uint16_t>::open(group, "domain").read_all();
  const auto hash_column = hdf5::Column<std::string>::open(group, "hash");
  const auto hash = hash_column.read_all();
  const size_t count = first.size();
  require(tokens.size() == count && bytes.size() == count && domain.size() == count &&
              hash.size() == count,
          ExitCode::kBadInput, group.place(), ": columns of different lengths");
  std::vector<Document> documents;
  uint64_t position = 0;
  for (size_t i = 0; i < count; ++i) {
    require(first[i] == position && tokens[i] > 0 && domain[i] < domains, ExitCode::kBadInput,
            group.place(), ": document ", i, " does not follow the one before");
    position += tokens[i];
    documents.push_back({static_cast<int64_t>(first[i]),
                         tokens[i],
                         {static_cast<int64_t>(bytes[i])},
                         domain[i],
                         from_hex(hash[i], hash_column)});
  }
  return documents;
}

}  // namespace

void write_index(const std::filesystem::path& path, const CorpusIndex& index) {
  replace_file(path, [&](const std::filesystem::path& temporary) {
    auto file = hdf5::File::create(temporary);
    file.set("schema", kIndexSchema);
    file.set("domains", index.domains);
    for (const Split split : kSplits)
      write_documents(file.create_group(std::string(enum_name(split))),
                      index.documents[static_cast<size_t>(split)]);
    const auto group = file.create_group("tokenizer");
    std::vector<uint16_t> tokens(index.train_counts.size());
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<uint16_t>(i);
    const auto scale = write_column(group, "token", {.units = "1", .long_name = "id of the token"},
                                    tokens, nullptr);
    write_column(group, "train_count",
                 {.units = "1", .long_name = "occurrences in the train split"}, index.train_counts,
                 &scale);
    file.close();
  });
}

CorpusIndex read_index(const std::filesystem::path& path) {
  const auto file = hdf5::File::open(path);
  const int64_t schema = file.get_int("schema");
  require(schema == kIndexSchema, ExitCode::kBadInput, path.string(), ": schema ", schema,
          "; this program reads ", kIndexSchema, "; make the corpus again");
  CorpusIndex index;
  index.domains = file.get_strings("domains");
  for (const Split split : kSplits)
    index.documents[static_cast<size_t>(split)] =
        read_documents(file.open_group(std::string(enum_name(split))), index.domains.size());
  index.train_counts =
      hdf5::Column<int64_t>::open(file.open_group("tokenizer"), "train_count").read_all();
  return index;
}

std::string digest_of(const std::vector<Document>& documents,
                      const std::vector<std::string>& shards) {
  Sha256Stream stream;
  for (const auto& document : documents)
    stream.update({reinterpret_cast<const char*>(document.hash.data()), document.hash.size()});
  for (const auto& shard : shards) stream.update(shard);
  return to_hex(stream.finish());
}

}  // namespace reprise
