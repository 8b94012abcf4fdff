// Which notices wait to be told, when each may be tried next, and whose turn it is. In memory alone: what must not be forgotten
// is in the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "storage/model/notice.h"

namespace millrace::webhooks {

/// For one thread. Times are of Clock::SteadyNanos.
class Backlog {
 public:
  /// At most so many attempts are on their way at once: in all, and to one host.
  Backlog(size_t transfers_max, size_t transfers_per_host_max)
      : transfers_max_(transfers_max), transfers_per_host_max_(transfers_per_host_max) {}

  /// Takes in a notice for a host, due at once. What is there already stays as it is.
  void Add(const model::NoticeKey& notice, const std::string& host);

  /// The notice that is to be tried next at `now_nanos`, which counts as on its way from then on; nullopt: none. Hosts with
  /// fewer attempts on their way come first, so that none is delayed by others.
  std::optional<model::NoticeKey> Take(int64_t now_nanos);

  /// The attempt has ended, and the notice is to be tried again when `due_nanos` has come. REQUIRES: it is on its way.
  void PutOff(const model::NoticeKey& notice, int64_t due_nanos);
  /// Nothing more is to be done about it. REQUIRES: it is on its way.
  void Remove(const model::NoticeKey& notice);

  /// How often the notice was taken. REQUIRES: it is there.
  int attempts(const model::NoticeKey& notice) const { return entries_.at(notice).attempts; }

  /// When the next notice comes due that could be taken then; Clock::kNever: an attempt has to end first, or none is there.
  int64_t NextDue() const;

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string host;
    int attempts = 0;
  };
  struct Host {
    std::set<std::pair<int64_t, model::NoticeKey>> waiting;
    size_t running = 0;
  };

  /// Ends an attempt.
  Entry& TakeBack(const model::NoticeKey& notice);
  bool HasRoom(const Host& host) const { return host.running < transfers_per_host_max_; }

  const size_t transfers_max_;
  const size_t transfers_per_host_max_;
  std::map<model::NoticeKey, Entry> entries_;
  std::map<std::string, Host> hosts_;
  size_t running_ = 0;
};

}  // namespace millrace::webhooks
