// What webhooks are still to be told. Part of a JobStore, which adds a notice in the unit of work that writes the event;
// passes the same conformance suite in all of them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/notice.h"

namespace millrace::store {

/// Hears of each notice when it is durable and before the verb that made it is completed, on the commit lane: must be short,
/// and not wait for a verb of the store.
class NoticeObserver {
 public:
  virtual ~NoticeObserver() = default;
  virtual void OnNotice(const model::NoticeKey& notice) = 0;
};

/// Thread-safe.
class NoticeStore {
 public:
  virtual ~NoticeStore() = default;

  /// Before the first verb of the JobStore. Not owned. Null: nobody.
  virtual void SetObserver(NoticeObserver* observer) = 0;

  /// By key, those behind `behind`, at most `notices_max`.
  virtual absl::StatusOr<std::vector<model::NoticeKey>> ListNotices(const model::NoticeKey& behind,
                                                                    int32_t notices_max) const = 0;

  /// NOT_FOUND, without a reason, where it was removed.
  virtual absl::StatusOr<model::Notice> GetNotice(const model::NoticeKey& notice) const = 0;

  /// Removes a notice that was told. Not an error where there is none.
  virtual absl::Status RemoveNotice(const model::NoticeKey& notice) = 0;

  /// Removes a notice that cannot be told, and says so in the log of its job, where that still exists, in one unit of work.
  virtual absl::Status GiveUpNotice(const model::NoticeKey& notice, std::string_view problem) = 0;
};

}  // namespace millrace::store
