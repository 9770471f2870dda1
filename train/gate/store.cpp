#include "train/gate/store.h"

#include <ATen/ATen.h>

#include <cstdio>
#include <optional>

#include "base/file.h"
#include "base/hdf5/column.h"
#include "base/json_text.h"
#include "base/progress.h"
#include "models/device.h"
#include "train/batch_share.h"
#include "train/checkpoint.h"
#include "train/record_seal.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kFormat = "reprise-passes 1";
constexpr const char* kRecordName = "passes.json";

/// A column, its numbers a token, and the samples' tensor it holds.
struct ColumnOf {
  const char* name;
  const char* units;
  const char* long_name;
  at::Tensor GateSamples::*tensor;
  int64_t per_token;
};

std::vector<ColumnOf> columns_of(const StoreShape& shape) {
  std::vector<ColumnOf> columns{
      {"signals", "1", "entropy over log V, margin and largest probability after the gate's pass",
       &GateSamples::signals_BTS, kGateSignals},
      {"nats_first", "nats", "of the target after the gate's pass", &GateSamples::first_BT, 1},
      {"nats_second", "nats", "of the target after the refinement pass", &GateSamples::second_BT,
       1},
      {"nats_best", "nats", "the least after the refinement pass and later base passes",
       &GateSamples::best_BT, 1},
      {"wrong", "1", "1 where the most likely token after the gate's pass is not the target",
       &GateSamples::wrong_BT, 1}};
  if (shape.state > 0)
    columns.push_back({"state", "1", "readout after the gate's pass, a token's channels together",
                       &GateSamples::state_BTD, shape.state});
  return columns;
}

std::string shard_name(int rank, int ranks) {
  char name[64];
  std::snprintf(name, sizeof name, "passes_%05d_of_%05d.h5", rank, ranks);
  return name;
}

/// All batches' shares of this rank, one behind the other.
void write_shard(const fs::path& path, const std::string& identity, const StoreShape& shape,
                 const SampleSource& samples, Communicator& comm, const StopRequest& stop) {
  const BatchShare share = share_of(shape.sequences, comm.rank(), comm.size());
  auto file = hdf5::File::create(path);
  file.set("identity", identity);
  std::vector<hdf5::Column<float>> columns;
  for (const ColumnOf& of : columns_of(shape))
    columns.push_back(hdf5::Column<float>::create(
        file, of.name, {.units = of.units, .long_name = of.long_name, .checksum = true}));
  Progress progress("batches stored", shape.batches, comm.rank());
  for (int64_t batch = 0; batch < shape.batches; ++batch) {
    if (any_rank(comm, stop.arrived()))
      fail(ExitCode::kResumable, "stopped by a signal while the passes were stored");
    if (share.count > 0) {
      const GateSamples all = samples(batch, share.first, share.count);
      size_t column = 0;
      for (const ColumnOf& of : columns_of(shape)) {
        const at::Tensor values = (all.*of.tensor).to(at::kCPU).contiguous();
        columns[column++].append(
            {values.const_data_ptr<float>(), static_cast<size_t>(values.numel())});
      }
    }
    progress.update(batch + 1, concat(share.count, " sequences a rank"));
  }
  file.close();
}

json read_record(const fs::path& folder) {
  const fs::path path = folder / kRecordName;
  json record = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  const bool whole = is_sealed(record) && text_at(record, "format") == kFormat;
  require(whole, ExitCode::kBadInput, path.string(),
          ": not the record of stored passes as `reprise gate` writes it; remove the folder to "
          "store them again");
  return record;
}

/// One rank's file, open.
struct Shard {
  hdf5::File file;
  std::vector<hdf5::Column<float>> columns;  ///< as columns_of() names them
  BatchShare share;
};

Shard open_shard(const fs::path& path, const std::string& identity, const StoreShape& shape,
                 const BatchShare& share) {
  Shard shard{hdf5::File::open(path), {}, share};
  require(shard.file.has("identity") && shard.file.get_string("identity") == identity,
          ExitCode::kBadInput, path.string(), ": of another store than ", kRecordName,
          " beside it; remove the folder to store the passes again");
  for (const ColumnOf& of : columns_of(shape)) {
    shard.columns.push_back(hdf5::Column<float>::open(shard.file, of.name));
    const int64_t expected = shape.batches * share.count * shape.context * of.per_token;
    require(shard.columns.back().size() == expected, ExitCode::kBadInput,
            shard.columns.back().place(), ": holds ", shard.columns.back().size(), " numbers, not ",
            expected, "; remove the folder to store the passes again");
  }
  return shard;
}

class StoreReader {
 public:
  StoreReader(const fs::path& folder, const StoreShape& shape, at::Device device)
      : shape_(shape), device_(device) {
    const json record = read_record(folder);
    const int ranks = record.at("ranks");
    const std::string identity = digest_of(record.at("identity"));
    for (int rank = 0; rank < ranks; ++rank)
      shards_.push_back(open_shard(folder / shard_name(rank, ranks), identity, shape,
                                   share_of(shape.sequences, rank, ranks)));
  }

  GateSamples read(int64_t batch, int64_t first, int64_t count) const {
    GateSamples samples;
    samples.first_sequence = first;
    size_t column = 0;
    for (const ColumnOf& of : columns_of(shape_)) {
      std::vector<int64_t> sizes{count, shape_.context};
      if (of.tensor == &GateSamples::signals_BTS || of.tensor == &GateSamples::state_BTD)
        sizes.push_back(of.per_token);
      const at::Tensor values = at::empty(sizes, at::kFloat);
      for (int64_t b = 0; b < count; ++b)
        read_sequence(batch, first + b, column, of.per_token, values[b].mutable_data_ptr<float>());
      samples.*of.tensor = moved_to(device_, values);
      ++column;
    }
    return samples;
  }

 private:
  void read_sequence(int64_t batch, int64_t sequence, size_t column, int64_t per_token,
                     float* out) const {
    for (const Shard& shard : shards_) {
      const int64_t within = sequence - shard.share.first;
      if (within < 0 || within >= shard.share.count) continue;
      const int64_t numbers = shape_.context * per_token;
      shard.columns[column].read((batch * shard.share.count + within) * numbers,
                                 {out, static_cast<size_t>(numbers)});
    }
  }

  StoreShape shape_;
  at::Device device_;
  std::vector<Shard> shards_;
};

}  // namespace

bool write_store(const fs::path& folder, const json& identity, const StoreShape& shape,
                 const SampleSource& samples, Communicator& comm, const StopRequest& stop) {
  bool stopped = false;
  make_folder(folder);
  try {
    replace_file(folder / shard_name(comm.rank(), comm.size()), [&](const fs::path& path) {
      write_shard(path, digest_of(identity), shape, samples, comm, stop);
    });
  } catch (const Error& error) {
    if (error.code() != ExitCode::kResumable) throw;
    stopped = true;  // on every rank, since they ask together
  }
  comm.barrier();  // no rank's file lies half-written behind this
  if (stopped) return false;
  if (comm.rank() == 0)
    write_file(
        folder / kRecordName,
        sealed({{"format", kFormat}, {"ranks", comm.size()}, {"identity", identity}}).dump(1) +
            "\n");
  comm.barrier();
  return true;
}

bool holds_store(const fs::path& folder, const json& identity) {
  if (!fs::exists(folder / kRecordName)) return false;
  require_same_identity(identity, read_record(folder).at("identity"),
                        concat("the store ", folder.string()), "gate.store");
  return true;
}

SampleSource stored_samples(const fs::path& folder, const StoreShape& shape, at::Device device) {
  const auto reader = std::make_shared<const StoreReader>(folder, shape, device);
  return [reader](int64_t batch, int64_t first, int64_t count) {
    return reader->read(batch, first, count);
  };
}

}  // namespace reprise
