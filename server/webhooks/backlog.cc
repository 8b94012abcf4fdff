#include "server/webhooks/backlog.h"

#include <algorithm>
#include <utility>

#include "storage/model/clock.h"

namespace millrace::webhooks {

using model::NoticeKey;

void Backlog::Add(const NoticeKey& notice, const std::string& host) {
  const auto [entry, is_new] = entries_.try_emplace(notice);
  if (!is_new) return;
  entry->second.host = host;
  hosts_[host].waiting.emplace(0, notice);
}

std::optional<NoticeKey> Backlog::Take(int64_t now_nanos) {
  if (running_ == transfers_max_) return std::nullopt;
  Host* next = nullptr;
  for (auto& [name, host] : hosts_) {
    if (host.waiting.empty() || !HasRoom(host) || host.waiting.begin()->first > now_nanos) continue;
    const bool comes_first =
        next == nullptr || host.running < next->running ||
        (host.running == next->running && host.waiting.begin()->first < next->waiting.begin()->first);
    if (comes_first) next = &host;
  }
  if (next == nullptr) return std::nullopt;
  const NoticeKey notice = next->waiting.begin()->second;
  next->waiting.erase(next->waiting.begin());
  next->running += 1;
  running_ += 1;
  entries_.at(notice).attempts += 1;
  return notice;
}

void Backlog::PutOff(const NoticeKey& notice, int64_t due_nanos) {
  const Entry& entry = TakeBack(notice);
  hosts_.at(entry.host).waiting.emplace(due_nanos, notice);
}

void Backlog::Remove(const NoticeKey& notice) {
  const std::string host = TakeBack(notice).host;
  entries_.erase(notice);
  const auto found = hosts_.find(host);
  if (found->second.waiting.empty() && found->second.running == 0) hosts_.erase(found);
}

int64_t Backlog::NextDue() const {
  int64_t next = model::Clock::kNever;
  if (running_ == transfers_max_) return next;
  for (const auto& [name, host] : hosts_) {
    if (!host.waiting.empty() && HasRoom(host)) next = std::min(next, host.waiting.begin()->first);
  }
  return next;
}

Backlog::Entry& Backlog::TakeBack(const NoticeKey& notice) {
  Entry& entry = entries_.at(notice);
  hosts_.at(entry.host).running -= 1;
  running_ -= 1;
  return entry;
}

}  // namespace millrace::webhooks
