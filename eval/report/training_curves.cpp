#include "eval/report/training_curves.h"

#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "eval/report/labelled_file.h"

namespace reprise {
namespace {

using nlohmann::json;

struct Point {
  int64_t step = 0;
  double value = 0;
};

using Curves = std::map<std::string, std::vector<Point>>;

void add_line(Curves& curves, std::string_view line) {
  const json entry = json::parse(line);
  const int64_t step = entry.at("step");
  for (const auto& [name, value] : entry.items())
    if (value.is_number() && name.find("loss") != name.npos)
      curves[name].push_back({step, value.get<double>()});
}

Curves read_curves(const std::filesystem::path& path) {
  Curves curves;
  const std::string text = read_file(path);
  size_t number = 1;
  for (size_t at = 0, end; (end = text.find('\n', at)) != text.npos; at = end + 1, ++number) {
    try {
      add_line(curves, std::string_view(text).substr(at, end - at));
    } catch (const json::exception&) {
      fail(ExitCode::kBadInput, path.string(), ":", number,
           ": not a line of metrics; give the metrics.jsonl of reprise train");
    }
  }
  require(!curves.empty(), ExitCode::kBadInput, path.string(),
          ": no whole line of metrics; give the metrics.jsonl of reprise train");
  return curves;
}

std::vector<Point> thinned(const std::vector<Point>& curve, int64_t points) {
  const size_t stretch =
      (curve.size() + static_cast<size_t>(points) - 1) / static_cast<size_t>(points);
  std::vector<Point> kept;
  for (size_t first = 0; first < curve.size(); first += stretch) {
    const size_t end = std::min(first + stretch, curve.size());
    Point mean{curve[end - 1].step, 0};
    for (size_t i = first; i < end; ++i)
      mean.value += curve[i].value / static_cast<double>(end - first);
    kept.push_back(mean);
  }
  return kept;
}

}  // namespace

json curve_rows(const std::vector<std::string>& labelled_files, int64_t points) {
  json rows = json::array();
  for (const auto& word : labelled_files) {
    const LabelledFile file = parse_labelled_file(word);
    for (const auto& [measure, curve] : read_curves(file.path))
      for (const auto& [step, value] : thinned(curve, points))
        rows.push_back(
            {{"run", file.label}, {"measure", measure}, {"step", step}, {"value", value}});
  }
  return rows;
}

}  // namespace reprise
