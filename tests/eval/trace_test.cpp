// The trace file: what is written is what is read; contradictions and damage are refused; h5py,
// pandas and xarray open it as it is.
#include <gmock/gmock.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "base/file.h"
#include "eval/trace/reader.h"
#include "eval/trace/validate.h"
#include "eval/trace/writer.h"
#include "tests/eval/same_columns.h"
#include "tests/eval/synthetic_trace.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const Trace& trace) {
  write_trace(path, trace.passes, trace.tokens, trace.documents, trace.attributes);
}

ExitCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.code();
  }
  return ExitCode::kOk;
}

class TraceTest : public testing::TestWithParam<Passes> {
 protected:
  TemporaryFolder folder_;
  const Trace trace_ = make_synthetic_trace({5, 1, 40, 7}, GetParam());
};

TEST_P(TraceTest, ReadsWhatWasWritten) {
  write(folder_ / "trace.h5", trace_);
  const Trace read = read_trace(folder_ / "trace.h5");
  EXPECT_EQ(read.passes, trace_.passes);
  expect_same_columns(read, trace_);
  EXPECT_EQ(read.attributes.domains, trace_.attributes.domains);
  EXPECT_EQ(read.attributes.configuration, trace_.attributes.configuration);
  EXPECT_EQ(read.attributes.artifact_bytes, 1'000'000);
}

TEST_P(TraceTest, ReadsARangeOfRows) {
  write(folder_ / "trace.h5", trace_);
  const TokenColumns part = TraceReader(folder_ / "trace.h5").tokens(5, 3);
  EXPECT_EQ(part.document, (std::vector<uint32_t>{1, 2, 2}));
  EXPECT_EQ(part.position, (std::vector<uint32_t>{1, 1, 2}));
}

TEST_P(TraceTest, BlocksMakeTheSameFileAsTheWhole) {
  const Trace first = make_synthetic_trace({5, 1}, GetParam());
  write(folder_ / "whole.h5", trace_);
  Trace rest = trace_;
  const auto cut = [](auto& columns, auto member, size_t rows) {
    if (!(columns.*member).empty())
      (columns.*member).erase((columns.*member).begin(), (columns.*member).begin() + rows);
  };
  visit_token_columns([&](auto, auto member, auto, auto, auto) { cut(rest.tokens, member, 6); });
  visit_document_columns(
      [&](auto, auto member, auto, auto, auto) { cut(rest.documents, member, 2); });
  for (auto& document : rest.tokens.document) document -= 2;
  for (auto& row : rest.documents.first_token) row -= 6;

  TraceWriter writer(folder_ / "blocks.h5", GetParam());
  writer.append(first.tokens, first.documents);
  writer.append(rest.tokens, rest.documents);
  writer.close(trace_.attributes);
  expect_same_columns(read_trace(folder_ / "blocks.h5"), trace_);
}

TEST_P(TraceTest, TruncatedAnywhereIsRefused) {
  write(folder_ / "trace.h5", trace_);
  const std::string whole = read_file(folder_ / "trace.h5");
  for (size_t length = 0; length < whole.size(); length += whole.size() / 40) {
    std::ofstream(folder_ / "cut.h5", std::ios::binary)
        .write(whole.data(), static_cast<std::streamsize>(length));
    EXPECT_NE(code_of([&] { read_trace(folder_ / "cut.h5"); }), ExitCode::kOk) << length;
  }
}

INSTANTIATE_TEST_SUITE_P(Passes, TraceTest, testing::Values(Passes::kBaseOnly, Passes::kRefined));

TEST(Trace, MissingOrForeignFilesAreRefused) {
  const TemporaryFolder folder;
  EXPECT_EQ(code_of([&] { read_trace(folder / "none.h5"); }), ExitCode::kBadInput);
  write_file(folder / "text.h5", "not HDF5");
  EXPECT_EQ(code_of([&] { read_trace(folder / "text.h5"); }), ExitCode::kBadInput);
  hdf5::File::create(folder / "other.h5").close();
  EXPECT_EQ(code_of([&] { read_trace(folder / "other.h5"); }), ExitCode::kInvalidTrace);
}

TEST(Trace, BlockOfUnequalColumnsIsRefused) {
  const TemporaryFolder folder;
  Trace trace = make_synthetic_trace({4}, Passes::kRefined);
  trace.tokens.nll_all.pop_back();
  EXPECT_EQ(code_of([&] { write(folder / "trace.h5", trace); }), ExitCode::kFailure);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Trace, ContradictionsAreNamed) {
  using Change = void (*)(Trace&);
  const std::array<std::pair<const char*, Change>, 12> changes{{
      {"starts at token", [](Trace& t) { t.documents.first_token[1] += 1; }},
      {"names document", [](Trace& t) { t.tokens.document[6] = 0; }},
      {"is at position", [](Trace& t) { t.tokens.position[2] = 9; }},
      {"bytes, its text", [](Trace& t) { t.documents.bytes[0] += 1; }},
      {"which has no name", [](Trace& t) { t.documents.domain[0] = 2; }},
      {"the document", [](Trace& t) { t.documents.nats_base[1] += 1e-3; }},
      {"scored differently",
       [](Trace& t) { std::swap(t.tokens.nll_gated[1], t.tokens.nll_gated[2]); }},
      {"refinement passes and says", [](Trace& t) { t.documents.random[0] += 1; }},
      {"and its control",
       [](Trace& t) {
         t.tokens.random[1] = 0;
         t.documents.random[0] = 0;
       }},
      {"refinement passes of at most 1", [](Trace& t) { t.tokens.random[1] = 2; }},
      {"passes in all", [](Trace& t) { t.tokens.passes[1] = t.tokens.refined[1]; }},
      {"a flag of token", [](Trace& t) { t.tokens.top1_all[3] = 2; }},
  }};
  for (const auto& [words, change] : changes) {
    Trace trace = make_synthetic_trace({5, 8}, Passes::kRefined);
    validate(trace, "t");
    change(trace);
    try {
      validate(trace, "t");
      ADD_FAILURE() << "accepted: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInvalidTrace);
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  }
}

nlohmann::json python_sees(const fs::path& trace) {
  const std::string command = concat("/usr/bin/python3 ", OPEN_TRACE_SCRIPT, " ", trace.string());
  std::string printed;
  FILE* pipe = ::popen(command.c_str(), "r");
  for (std::array<char, 4096> part; std::fgets(part.data(), part.size(), pipe);)
    printed += part.data();
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return nlohmann::json::parse(printed, nullptr, false);
}

TEST(Trace, OpensInH5pyPandasAndXarray) {
  const TemporaryFolder folder;
  const Trace trace = make_synthetic_trace({5, 1, 40, 7}, Passes::kRefined);
  write(folder / "trace.h5", trace);
  const auto seen = python_sees(folder / "trace.h5");
  ASSERT_TRUE(seen.is_object());
  const double nats =
      std::reduce(trace.documents.nats_base.begin(), trace.documents.nats_base.end());
  const uint64_t bytes = std::reduce(trace.documents.bytes.begin(), trace.documents.bytes.end());
  EXPECT_EQ(seen["h5py_columns"], 27);  // 26 columns and their scale
  EXPECT_EQ(seen["described"], true);
  EXPECT_EQ(seen["scaled"], true);
  EXPECT_EQ(seen["hash"], trace.documents.hash[0]);
  EXPECT_EQ(seen["domains"], nlohmann::json(trace.attributes.domains));
  EXPECT_EQ(seen["configuration"], trace.attributes.configuration);
  EXPECT_EQ(seen["schema"], kTraceSchema);
  EXPECT_NEAR(seen["pandas_nats"].get<double>(), trace.documents.nats_base[0], 1e-5);
  EXPECT_EQ(seen["xarray_dimensions"], nlohmann::json({"row"}));
  EXPECT_NEAR(seen["xarray_nats"].get<double>(), nats, 1e-5);
  EXPECT_EQ(seen["xarray_units"], "nats");
  EXPECT_EQ(seen["xarray_documents"], 4);
  EXPECT_EQ(seen["xarray_bytes"], bytes);
  EXPECT_EQ(seen["xarray_split"], "test");
}

}  // namespace
}  // namespace reprise
