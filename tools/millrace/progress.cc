#include "tools/millrace/progress.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/human.h"
#include "tools/millrace/table.h"

namespace millrace::cli {
namespace {

constexpr absl::Duration kBarInterval = absl::Milliseconds(100);
constexpr absl::Duration kLineInterval = absl::Seconds(3);
constexpr absl::Duration kAnchorInterval = absl::Seconds(10);
constexpr int kBarWidthMin = 5;
constexpr int kBarWidthMax = 30;
constexpr int kFactsWidth = 64;

std::string Percent(const ProgressState& state) {
  return state.share.has_value() ? absl::StrFormat("%3.0f%%", std::floor(*state.share * 100)) : "";
}

std::string Facts(const ProgressState& state, double rate, std::optional<absl::Duration> remaining) {
  std::string text = absl::StrCat(HumanCount(state.records), " records");
  if (state.failed > 0) absl::StrAppend(&text, ", ", HumanCount(state.failed), " failed");
  if (rate > 0) absl::StrAppend(&text, ", ", HumanCount(std::llround(rate)), "/s");
  if (remaining.has_value()) absl::StrAppend(&text, ", ETA ", HumanDuration(*remaining));
  return text;
}

}  // namespace

std::string RenderProgressBar(const ProgressState& state, double rate, std::optional<absl::Duration> remaining,
                              int columns) {
  const std::string facts = Facts(state, rate, remaining);
  std::string line;
  // The same width all along, whatever the facts beside it are.
  const int width = std::min(columns - kFactsWidth, kBarWidthMax);
  if (state.share.has_value() && width >= kBarWidthMin) {
    const int filled = std::clamp(static_cast<int>(*state.share * width), 0, width);
    line = absl::StrCat("[", std::string(static_cast<size_t>(filled), '#'),
                        std::string(static_cast<size_t>(width - filled), '-'), "] ");
  }
  if (state.share.has_value()) absl::StrAppend(&line, Percent(state), " ");
  line.append(facts);
  return line.substr(0, static_cast<size_t>(std::max(columns - 1, 1)));
}

std::string RenderProgressLine(const ProgressState& state, double rate, std::optional<absl::Duration> remaining) {
  return absl::StrCat("progress: ", Percent(state), state.share.has_value() ? " " : "", Facts(state, rate, remaining));
}

Progress::Progress(ProgressOptions options, client::Clock* timer)
    : options_(options), timer_(timer), start_(timer->Elapsed()), last_shown_(start_) {}

void Progress::Update(const ProgressState& state) {
  absl::MutexLock lock(&mutex_);
  const absl::Duration now = timer_->Elapsed();
  MoveAnchor(state, now);
  if (now - last_shown_ < (options_.bar ? kBarInterval : kLineInterval)) return;
  last_shown_ = now;
  Show(state);
}

void Progress::MoveAnchor(const ProgressState& state, absl::Duration now) {
  if (!anchor_.has_value()) {
    if (state.records == 0) return;
    next_anchor_ = {.state = state, .time = now};
    anchor_ = next_anchor_;
  } else if (now - next_anchor_.time >= kAnchorInterval) {
    anchor_ = next_anchor_;
    next_anchor_ = {.state = state, .time = now};
  }
}

void Progress::Show(const ProgressState& state) {
  if (options_.out == nullptr || !options_.updates) return;
  double rate = 0;
  std::optional<absl::Duration> remaining;
  const double seconds = anchor_.has_value() ? absl::ToDoubleSeconds(timer_->Elapsed() - anchor_->time) : 0;
  if (seconds > 0) {
    rate = static_cast<double>(state.records - anchor_->state.records) / seconds;
    const double share_done = state.share.value_or(0) - anchor_->state.share.value_or(0);
    if (share_done > 0 && *state.share < 1) {
      remaining = absl::Ceil(absl::Seconds(seconds * (1 - *state.share) / share_done), absl::Seconds(1));
    }
  }
  if (options_.bar) {
    *options_.out << "\r\x1b[K" << RenderProgressBar(state, rate, remaining, options_.columns) << std::flush;
    bar_visible_ = true;
  } else {
    *options_.out << RenderProgressLine(state, rate, remaining) << std::endl;
  }
}

void Progress::ClearBar() {
  if (!bar_visible_) return;
  *options_.out << "\r\x1b[K";
  bar_visible_ = false;
}

void Progress::Say(std::string_view line) {
  if (options_.out == nullptr) return;
  absl::MutexLock lock(&mutex_);
  ClearBar();
  *options_.out << Printable(line) << std::endl;
}

void Progress::OnRetry(const absl::Status& failure) {
  const std::string why = WhyRepeated(failure);
  if (why.empty()) return;
  {
    absl::MutexLock lock(&mutex_);
    if (server_away_) return;
    server_away_ = true;
  }
  Say(absl::StrCat("millrace: ", why, "; nothing is lost, trying again until it is back"));
}

void Progress::OnReply() {
  {
    absl::MutexLock lock(&mutex_);
    if (!server_away_) return;
    server_away_ = false;
  }
  Say("millrace: the server is back, going on");
}

void Progress::Finish(const ProgressState& state) {
  absl::MutexLock lock(&mutex_);
  // Lines are for those who wait; a run that ends has its summary.
  if (!bar_visible_) return;
  Show(state);
  *options_.out << std::endl;
  bar_visible_ = false;
}

}  // namespace millrace::cli
