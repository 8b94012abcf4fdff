#include "server/handlers/named_records.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/core/convert.h"
#include "server/handlers/validate.h"
#include "storage/model/chunk.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"
#include "storage/model/run_statistics.h"

namespace millrace::handlers {
namespace {

constexpr int kRecordIdsMax = 1'000;

/// The record for which the one with this index stands; REQUIRES: the chunk is one of records that were run again.
model::RecordPlace ReplacedBy(const model::Chunk& rerun, int32_t index) {
  if (!rerun.replaces.empty()) return rerun.replaces[static_cast<size_t>(index)];
  for (const model::RecordRun& run : rerun.repeats) {
    if (index < run.count) return {run.sequence, run.first + index};
    index -= run.count;
  }
  return {};
}

}  // namespace

absl::StatusOr<RecordNames> ReadNames(const v1::ListRecordsRequest& request) {
  RecordNames names;
  if (!v1::RecordOrder_IsValid(request.order())) {
    return model::FieldError("order", "expected RECORD_ORDER_PUSHED or RECORD_ORDER_SLOWEST_FIRST");
  }
  names.slowest = request.order() == v1::RECORD_ORDER_SLOWEST_FIRST;
  if (names.slowest && request.ids_size() > 0) {
    return model::FieldError("order",
                             "expected RECORD_ORDER_PUSHED, or no ids: the slowest are those of the whole job");
  }
  if (request.ids_size() > kRecordIdsMax) {
    return model::FieldError("ids", absl::StrCat("expected at most ", kRecordIdsMax, ", got ", request.ids_size()));
  }
  names.ids.reserve(static_cast<size_t>(request.ids_size()));
  for (int i = 0; i < request.ids_size(); ++i) {
    const std::optional<model::RecordPlace> place = model::ParseExceptionId(request.ids(i));
    if (!place.has_value()) {
      return model::FieldError(absl::StrCat("ids[", i, "]"), "expected SEQUENCE-INDEX, like 12-7");
    }
    names.ids.push_back(*place);
  }
  return names;
}

absl::Status NamedRecords::Find(const RecordNames& names) {
  if (names.slowest) return FindSlowest();
  named_.reserve(names.ids.size());
  for (size_t i = 0; i < names.ids.size(); ++i) {
    const absl::StatusOr<std::optional<model::RecordPlace>> origin = OriginOf(names.ids[i]);
    if (!origin.ok()) return origin.status();
    if (!origin->has_value()) {
      const std::string id = model::ExceptionId(names.ids[i].sequence, names.ids[i].index);
      return model::FieldError(absl::StrCat("ids[", i, "]"), absl::StrCat("job ", key_.job_id, " has no record ", id));
    }
    named_.push_back({**origin, std::nullopt});
  }
  std::sort(named_.begin(), named_.end(), [](const Named& a, const Named& b) { return a.place < b.place; });
  const auto same = [](const Named& a, const Named& b) { return a.place == b.place; };
  named_.erase(std::unique(named_.begin(), named_.end(), same), named_.end());
  return absl::OkStatus();
}

absl::Status NamedRecords::FindSlowest() {
  const absl::StatusOr<model::RunStatistics> statistics = deps_.store.GetRunStatistics(key_);
  if (!statistics.ok()) return statistics.status();
  for (const model::SlowRecord& slow : statistics->slowest) {
    const absl::StatusOr<std::optional<model::RecordPlace>> origin = OriginOf(slow.place);
    if (!origin.ok()) return origin.status();
    // Of a record that was slow each time that it ran, the slowest run comes first.
    if (origin->has_value() && std::ranges::find(named_, **origin, &Named::place) == named_.end()) {
      named_.push_back({**origin, slow.process_nanos});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<size_t>> NamedRecords::AddPage(size_t begin, int32_t page_size,
                                                            v1::ListRecordsResponse& response) {
  size_t bytes = 0;
  for (size_t i = begin; i < named_.size(); ++i) {
    if (response.records_size() == page_size || bytes >= static_cast<size_t>(model::kReplyBytesTarget)) return i;
    const Named& named = named_[i];
    if (absl::Status read = ReadChunkOf(named.place); !read.ok()) return read;
    const v1::Record& record = read_[static_cast<size_t>(named.place.index)].record;
    if (!IsWanted(request_.states(), record.state())) continue;
    v1::Record& added = *response.add_records();
    added = record;
    if (named.process_nanos.has_value()) {
      *added.mutable_process_time() = core::ToProto(absl::Nanoseconds(*named.process_nanos));
    }
    bytes += added.ByteSizeLong();
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<model::RecordPlace>> NamedRecords::OriginOf(model::RecordPlace place) const {
  while (place.sequence >= 1 && place.sequence <= last_sequence_ && place.index >= 0) {
    const absl::StatusOr<model::Chunk> chunk = deps_.store.FindChunk(key_, place.sequence);
    if (!chunk.ok()) return chunk.status();
    if (place.index >= chunk->record_count) break;
    if (!model::IsRerun(*chunk)) return place;
    place = ReplacedBy(*chunk, place.index);
  }
  return std::nullopt;
}

absl::Status NamedRecords::ReadChunkOf(const model::RecordPlace& place) {
  if (place.sequence == read_sequence_) return absl::OkStatus();
  const absl::StatusOr<model::Chunk> chunk = deps_.store.FindChunk(key_, place.sequence);
  if (!chunk.ok()) return chunk.status();
  absl::StatusOr<std::vector<RecordLister::Listed>> records = lister_.ReadChunk(*chunk);
  if (!records.ok()) return records.status();
  if (request_.with_input()) {
    if (absl::Status filled = lister_.FillInputs(place.sequence, *records); !filled.ok()) return filled;
  }
  read_ = *std::move(records);
  read_sequence_ = place.sequence;
  return absl::OkStatus();
}

}  // namespace millrace::handlers
