#include "launch/pack_allowance.h"

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "models/artifact/section.h"

namespace reprise {
namespace {

nlohmann::json measure_code(const std::string& path) {
  const std::string code = read_file(path);
  require(!code.empty(), ExitCode::kBadInput, "--pack.code ", path,
          ": the file is empty; give the decoder's code");
  const auto bytes = static_cast<int64_t>(code.size());
  const std::string section = encode_section({.cause = Cause::kDecoder, .bytes = bytes}, code);
  constexpr size_t kCoderBytes = 1;  // names the coder of a section: no part of the code
  return {{"file", path},
          {"bytes", bytes},
          {"sha256", to_hex(sha256(code))},
          {"coder", enum_name(coder_of_section(section))},
          {"compressed_bytes", section.size() - kCoderBytes}};
}

}  // namespace

CountedCode count_code(const PackOptions& options, Communicator& comm) {
  CountedCode counted{options, nullptr};
  if (options.code.empty()) return counted;
  counted.options.code.clear();
  together(comm, [&] {
    if (comm.rank() != 0) return;
    counted.record = measure_code(options.code);
    int64_t& bytes = counted.options.code_bytes = counted.record.at("compressed_bytes");
    require(options.bytes == 0 || bytes < options.bytes, ExitCode::kUsage, "--pack.code ",
            options.code, " takes ", bytes,
            " bytes compressed, which leaves nothing of --pack.bytes ", options.bytes);
  });
  return counted;
}

}  // namespace reprise
