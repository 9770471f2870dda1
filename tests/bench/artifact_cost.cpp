// What packing and loading cost: seconds, and the most memory a process held, of a model of random
// weights: row by row, and with gptq and Fisher sensitivities by a calibration as it comes from
// its file (which `reprise pack` makes first; docs/calibration.md says at what cost). Every
// measurement is a process of its own, since a process knows only the most it ever held. Asserts
// nothing.
//
//   artifact_cost FOLDER [bytes] [layers]    16,000,000 bytes and 23 layers of width 512, 25.2 M
//   weights, unless told
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/large_buffers.h"
#include "base/parallel.h"
#include "base/stopwatch.h"
#include "models/artifact/artifact.h"
#include "models/artifact/section.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
constexpr double kMegabyte = 1e6;

/// The most that this process has held since it began or this was last called, in bytes.
double peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return 1024.0 * std::stod(line.substr(6));
  return 0;
}
void forget_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

/// Runs `work` in a process of its own.
void apart(const std::function<void()>& work) {
  std::cout.flush();
  const pid_t child = fork();
  if (child == 0) {
    try {
      work();
    } catch (const std::exception& error) {
      std::cerr << error.what() << '\n';
      std::cout.flush();
      _exit(1);
    }
    std::cout.flush();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) fail(ExitCode::kFailure, "a measurement failed");
}

/// Seconds on the clock and of all cores since it was made.
class Cost {
 public:
  std::string words(double fp32_bytes) const {
    const double held_bytes = peak_bytes();
    return concat(fixed(watch_.seconds(), 2), " s (", fixed(cpu_seconds() - cpu_before_, 2),
                  " s of cores), ", fixed(held_bytes / kMegabyte, 0), " MB at most, ",
                  fixed(held_bytes / fp32_bytes, 2), " x the weights in fp32\n");
  }

 private:
  static double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }

  Stopwatch watch_;
  double cpu_before_ = cpu_seconds();
};

/// Inputs that go together the less the farther apart they are, some of them large.
std::vector<double> random_hessian(size_t columns) {
  const std::vector<float> sizes =
      random_values(static_cast<int64_t>(columns), 1, 5, /*outlier_every=*/50);
  std::vector<double> hessian(columns * columns);
  for (size_t i = 0; i < columns; ++i)
    for (size_t j = 0; j < columns; ++j)
      hessian[i * columns + j] = std::pow(0.9, std::abs(double(i) - double(j))) *
                                 (std::abs(sizes[i]) + 0.1) * (std::abs(sizes[j]) + 0.1);
  return hessian;
}

Calibration random_calibration(const UnpackedModel& model) {
  Calibration calibration;
  for (const HostTensor& tensor : model.tensors) {
    const int64_t columns = tensor.shape.back();
    const auto rows = static_cast<int64_t>(tensor.values.size()) / columns;
    TensorCalibration& own = calibration.tensors[tensor.name];
    for (auto [to, count] :
         {std::pair{&own.row_sensitivity, rows}, {&own.column_sensitivity, columns}})
      for (const float value : random_values(count, 1, 7)) to->push_back(value * value);
    if (tensor.shape.size() > 1)
      own.read_hessian = [columns] { return random_hessian(static_cast<size_t>(columns)); };
  }
  return calibration;
}

void measure_pack(const fs::path& file, int64_t bytes, int64_t layers, bool calibrated) {
  UnpackedModel model = random_model(512, layers, 1);
  if (calibrated) model.calibration = random_calibration(model);
  double fp32_bytes = 0;
  for (const HostTensor& tensor : model.tensors)
    fp32_bytes += 4.0 * static_cast<double>(tensor.values.size());
  PackOptions options = uncalibrated();
  if (calibrated) options = {};
  options.bytes = bytes;
  give_back_large_buffers();  // as the command does
  forget_peak();
  const Cost cost;
  const Packed packed = pack(model, options);
  std::cout << "pack " << (calibrated ? "with gptq " : "row by row ")
            << fixed(fp32_bytes / 4 / kMegabyte, 1) << " M weights into " << packed.file.size()
            << " bytes, " << packed.candidates.size() << " rounds: " << cost.words(fp32_bytes);
  write_file(file, packed.file);
}

double fp32_bytes_of(const Artifact& artifact) {
  double bytes = 0;
  for (const TensorShape& tensor : artifact.directory)
    bytes += 4.0 * static_cast<double>(tensor.elements());
  return bytes;
}

void measure_load(const std::string& what, const fs::path& file) {
  const Cost cost;
  const Artifact artifact = load_artifact(file);
  std::cout << "load " << what << ", " << fs::file_size(file)
            << " bytes: " << cost.words(fp32_bytes_of(artifact));
}

/// The file with all sections of weights in one coder's form.
void recode(const fs::path& from, const fs::path& to, Coder coder) {
  Artifact artifact = load_artifact(from);
  const std::vector<SectionPlan> plans =
      plan_sections(artifact.directory, artifact.directory_bytes,
                    static_cast<int64_t>(artifact.tokenizer_model.size()));
  parallel_for(plans.size(), [&](size_t i) {
    std::string& section = artifact.sections[i];
    if (!plans[i].parts.empty())
      section = encode_section(plans[i], decode_section(plans[i], section), coder);
  });
  artifact.digest = sections_digest(artifact.sections);
  write_artifact(to, artifact);
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  using namespace reprise;
  if (argc < 2) {
    std::cerr << "usage: artifact_cost FOLDER [bytes] [layers]\n";
    return 2;
  }
  const std::filesystem::path folder = argv[1], packed = folder / "packed",
                              other = folder / "other";
  const int64_t bytes = argc > 2 ? std::stoll(argv[2]) : 16'000'000;
  const int64_t layers = argc > 3 ? std::stoll(argv[3]) : 23;
  make_folder(folder);
  apart([&] { measure_pack(packed, bytes, layers, /*calibrated=*/true); });
  apart([&] { measure_pack(packed, bytes, layers, /*calibrated=*/false); });
  apart([&] { measure_load("as packed", packed); });
  for (const auto& [coder, name] : EnumNames<Coder>::names) {
    apart([&] { recode(packed, other, coder); });
    apart([&] { measure_load(std::string(name), other); });
  }
  return 0;
}
