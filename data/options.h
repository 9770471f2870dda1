// Options of `reprise data`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace reprise {

struct DataOptions {
  std::vector<std::string> source;
  std::string out;
  std::string tokenizer;
  int64_t vocab = 1024;
  double valid_share = 0.05, test_share = 0.10;
  int64_t max_document_bytes = 0, max_bytes = 0;
  int64_t tokenizer_bytes = 20'000'000;
  int64_t shard_tokens = 100'000'000;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("source", source, "[domain:]path",
          "folders of text, .jsonl files with a text field, or folders of .bin shards; the domain "
          "is the path's last name unless given");
    field("out", out, "folder", "where the corpus is written");
    field("tokenizer", tokenizer, "file",
          "an existing SentencePiece model; none: train one on the train split");
    field("vocab", vocab, "pieces", "vocabulary of a tokenizer trained here");
    field("valid-share", valid_share, "share", "documents in the valid split");
    field("test-share", test_share, "share", "documents in the test split");
    field("max-document-bytes", max_document_bytes, "bytes",
          "longer documents are cut at a character boundary; 0: no limit");
    field("max-bytes", max_bytes, "bytes per domain",
          "documents beyond are left out, in the order of their hash; 0: no limit");
    field("tokenizer-bytes", tokenizer_bytes, "bytes",
          "train text the tokenizer is trained on, in the order of document hash");
    field("shard-tokens", shard_tokens, "tokens", "length at which a shard is closed");
  }
};

}  // namespace reprise
