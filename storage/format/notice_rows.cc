#include "storage/format/notice_rows.h"

#include <utility>

#include "storage/format/damaged.h"
#include "storage/format/fields.h"
#include "storage/format/rows.h"

namespace millrace::format {
namespace {

/// The row: the rows of the event and of the job, those of the latter one behind the other.
struct NoticeRow {
  std::string_view event;
  std::string_view job;
};

template <class Archive, Row<NoticeRow> T>
void Fields(Archive& archive, T& notice) {
  archive(1, notice.event);
  archive(2, notice.job);
}

}  // namespace

std::string EncodeNotice(const model::Notice& notice) {
  const std::string event = EncodeJobEvent(notice.event);
  const std::string job = EncodeJobDefinition(notice.job) + EncodeJobProgress(notice.job);
  return WriteRow(NoticeRow{event, job});
}

absl::StatusOr<model::Notice> DecodeNotice(int64_t number, std::string_view row) {
  NoticeRow parts;
  if (!ReadRow(row, parts)) return Corrupt("a notice");
  absl::StatusOr<model::JobEvent> event = DecodeJobEvent(number, parts.event);
  if (!event.ok()) return event.status();
  absl::StatusOr<model::Job> job = DecodeJob(parts.job, "");
  if (!job.ok()) return job.status();
  return model::Notice{*std::move(event), *std::move(job)};
}

}  // namespace millrace::format
