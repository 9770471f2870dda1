#include "base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/format.h"
#include "base/log.h"

namespace reprise {
namespace {

constexpr std::chrono::milliseconds kBarPause{100};

std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::max(0.0, seconds) + 0.5);
  char text[32];
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(whole / 3600),
                static_cast<long long>(whole / 60 % 60), static_cast<long long>(whole % 60));
  return text;
}

bool draws_bars() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) && !(terminal && std::string_view(terminal) == "dumb");
}

}  // namespace

Progress::Progress(std::string what, int64_t total, int rank, int64_t done,
                   std::chrono::milliseconds log_pause)
    : what_(std::move(what)),
      total_(total),
      first_(done),
      shown_(rank == 0),
      terminal_(draws_bars()),
      pace_(terminal_ ? kBarPause : log_pause) {}

Progress::~Progress() {
  if (drawn_ && terminal_) std::fputc('\n', stderr);
}

void Progress::update(int64_t done, std::string_view note) {
  if (!shown_) return;
  const bool ended = drawn_ && done >= total_;
  if (!pace_.due() && !ended) return;
  draw(done, note);
  drawn_ = true;
}

void Progress::draw(int64_t done, std::string_view note) {
  const double share = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 1.0;
  const double per_unit = done > first_ ? elapsed_s() / static_cast<double>(done - first_) : 0.0;
  const std::string eta = clock_text(per_unit * static_cast<double>(total_ - done));
  const std::string head = concat(done, '/', total_, ' ', what_);
  if (!terminal_) {
    log::info(head, " (", fixed(100 * share, 0), " %), ", eta, " left, ", note);
    return;
  }
  constexpr int kCells = 24;
  const int filled = std::clamp(static_cast<int>(share * kCells), 0, kCells);
  const std::string bar = std::string(static_cast<size_t>(filled), '#') +
                          std::string(static_cast<size_t>(kCells - filled), '.');
  std::fprintf(stderr, "\r\x1b[K[%s] %s, %s left, %.*s", bar.c_str(), head.c_str(), eta.c_str(),
               static_cast<int>(note.size()), note.data());
  std::fflush(stderr);
}

}  // namespace reprise
