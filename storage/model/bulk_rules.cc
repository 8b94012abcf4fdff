#include "storage/model/bulk_rules.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/model/job_rules.h"

namespace millrace::model {

bool IsChildOf(const Job& child, const Job& parent) {
  return child.tenant == parent.tenant && child.parent.job_id == parent.id &&
         child.parent.job_create_time == parent.create_time;
}

bool NeedsChild(const Job& parent, ChunkState chunk, const Job& child) {
  return IsChildOf(child, parent) && !IsFinal(parent.state) && chunk == ChunkState::kPending;
}

bool MustCancelChild(const Job& parent, const Job& child) {
  return parent.state == JobState::kCancelled && IsChildOf(child, parent) && !IsFinal(child.state);
}

std::string ChildRequestId(const ParentRecord& record) {
  return absl::StrCat(record.job_id, "/", absl::ToUnixNanos(record.job_create_time), "/", record.sequence, "/",
                      record.index, "/", record.attempt);
}

}  // namespace millrace::model
