#include <cmath>
#include <iomanip>
#include <sstream>

#include "models/cost/model_cost.h"

namespace reprise {
namespace {

constexpr int kNameWidth = 34, kNumberWidth = 14;

class Table {
 public:
  void title(const std::string& text) { out_ << (out_.tellp() > 0 ? "\n" : "") << text << '\n'; }
  Table& row(const std::string& name) {
    out_ << "  " << std::left << std::setw(kNameWidth) << name << std::right;
    return *this;
  }
  Table& cell(const std::string& text) {
    out_ << std::setw(kNumberWidth) << text;
    return *this;
  }
  Table& cell(double number) { return cell(fixed(std::round(number), 0)); }
  Table& mega(double number, const char* unit) { return cell(fixed(number / 1e6, 3)).unit(unit); }
  Table& unit(const char* words) {
    out_ << ' ' << words;
    return *this;
  }
  void end() { out_ << '\n'; }
  std::string text() const { return out_.str(); }

 private:
  std::ostringstream out_;
};

void add_groups(Table& table, const ModelCost& cost) {
  table.title(concat(std::string(kNameWidth + 2, ' '), "    parameters         bytes"));
  for (const GroupCost& group : cost.groups)
    table.row(std::string(enum_name(group.group)))
        .cell(static_cast<double>(group.parameters))
        .cell(group.stored_bytes)
        .end();
  table.row("header, directory, framing")
      .cell("")
      .cell(static_cast<double>(cost.fixed_bytes))
      .end();
  if (cost.code_bytes > 0)
    table.row("decoder's code").cell("").cell(static_cast<double>(cost.code_bytes)).end();
  table.row("artifact")
      .cell(static_cast<double>(cost.parameters))
      .cell(static_cast<double>(cost.stored_bytes))
      .end();
}

}  // namespace

std::string to_table(const ModelCost& cost, const CostCase& c) {
  Table table;
  add_groups(table, cost);
  const auto megaflop = [&](const std::string& name, double flops) {
    table.row(name).mega(flops, "MFLOP").end();
  };
  table.title("Scoring, forward, a token");
  megaflop("base passes", cost.base_flops);
  megaflop("of them coda and head", cost.readout_flops);
  megaflop("a refined token more", cost.refinement_flops);
  megaflop(concat(100 * c.refine_share, " % refined"), cost.scoring_flops);
  table.row("keys and values kept")
      .cell(static_cast<double>(cost.kv_bytes_per_token))
      .unit("bytes")
      .end();

  table.title(concat("Training, ", c.step.sequences, " x ", c.step.length, " tokens at once"));
  megaflop("a token, forward", cost.step_flops.forward);
  megaflop("a token, backward", cost.step_flops.backward);
  megaflop("a token, logits once more", cost.step_flops.again);
  const auto megabytes = [&](const char* name, double bytes) {
    table.row(name).mega(bytes, "MB").end();
  };
  megabytes("weights and gradients, fp32", 8 * static_cast<double>(cost.parameters));
  megabytes("more, kept for backward", cost.step_memory.kept_bytes);
  megabytes("more, at its peak", cost.step_memory.peak_bytes);
  return table.text();
}

}  // namespace reprise
