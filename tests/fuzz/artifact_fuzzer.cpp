// libFuzzer's entry: any bytes, taken for an artifact. scripts/fuzz builds and runs it.
#include <cstring>

#include "tests/fuzz/check_artifact.h"
#include "tests/fuzz/mutate_artifact.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  reprise::loads_soundly({reinterpret_cast<const char*>(data), size});
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  const std::string file = reprise::mutate_artifact({reinterpret_cast<const char*>(data), size},
                                                    max_size, seed, LLVMFuzzerMutate);
  std::memcpy(data, file.data(), file.size());
  return file.size();
}
