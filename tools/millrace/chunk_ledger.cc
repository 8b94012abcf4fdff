#include "tools/millrace/chunk_ledger.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace millrace::cli {
namespace {

constexpr std::string_view kIdPrefix = "c-";

}  // namespace

std::string ChunkId(int64_t position) { return absl::StrFormat("c-%06d", position); }

std::optional<int64_t> ChunkPosition(std::string_view id) {
  if (!id.starts_with(kIdPrefix)) return std::nullopt;
  int64_t position = 0;
  if (!absl::SimpleAtoi(std::string(id.substr(kIdPrefix.size())), &position)) return std::nullopt;
  if (position < 1 || ChunkId(position) != id) return std::nullopt;
  return position;
}

bool ChunkLedger::Add(ChunkRows rows, bool is_last) {
  absl::MutexLock lock(&mutex_);
  const auto has_room = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopped_ || held_bytes_ == 0 || held_bytes_ + rows.held_bytes <= held_bytes_max_;
  };
  mutex_.Await(absl::Condition(&has_room));
  if (stopped_) return false;
  held_bytes_ += rows.held_bytes;
  added_ = rows.position;
  finished_ = is_last;
  chunks_.emplace(rows.position, std::move(rows));
  return true;
}

void ChunkLedger::Finish(std::vector<SkippedRow> tail) {
  absl::MutexLock lock(&mutex_);
  tail_ = std::move(tail);
  finished_ = true;
}

void ChunkLedger::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
}

std::optional<ChunkRows> ChunkLedger::Take(int64_t position) {
  absl::MutexLock lock(&mutex_);
  const auto found = chunks_.find(position);
  if (found == chunks_.end()) return std::nullopt;
  std::optional<ChunkRows> rows = std::move(found->second);
  chunks_.erase(found);
  held_bytes_ -= rows->held_bytes;
  return rows;
}

void ChunkLedger::AwaitAdded(int64_t position, absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto is_over = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return added_ >= position || finished_ || stopped_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&is_over), timeout);
}

std::optional<int64_t> ChunkLedger::total() const {
  absl::MutexLock lock(&mutex_);
  return finished_ ? std::optional<int64_t>(added_) : std::nullopt;
}

std::vector<SkippedRow> ChunkLedger::TakeTail() {
  absl::MutexLock lock(&mutex_);
  return std::move(tail_);
}

}  // namespace millrace::cli
