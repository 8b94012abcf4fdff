#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/core/page_token.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/named_records.h"
#include "server/handlers/record_lister.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

/// Adds the records of a chunk that the request asks for.
absl::Status AddChunk(const v1::ListRecordsRequest& request, const model::JobKey& key, int64_t sequence,
                      RecordLister& lister, const Deps& deps, v1::ListRecordsResponse& response) {
  const absl::StatusOr<model::Chunk> chunk = deps.store.FindChunk(key, sequence);
  if (!chunk.ok()) return chunk.status();
  absl::StatusOr<std::vector<RecordLister::Listed>> records = lister.ReadChunk(*chunk);
  if (!records.ok()) return records.status();
  if (request.with_input()) {
    if (absl::Status filled = lister.FillInputs(sequence, *records); !filled.ok()) return filled;
  }
  for (RecordLister::Listed& listed : *records) {
    if (IsWanted(request.states(), listed.record.state())) *response.add_records() = std::move(listed.record);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ListRecordsResponse> ListRecords(const v1::ListRecordsRequest& request, const Call& call,
                                                    const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const absl::StatusOr<int32_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  if (absl::Status status = CheckStates(request.states()); !status.ok()) return status;
  const absl::StatusOr<RecordNames> names = ReadNames(request);
  if (!names.ok()) return names.status();
  const std::string list = absl::StrCat("ListRecords/", call.principal.tenant, "/", request.job_id(), "/",
                                        absl::StrJoin(request.states(), ","), "/", request.with_input(), "/",
                                        absl::StrJoin(request.ids(), ","), "/", static_cast<int>(request.order()));
  const absl::StatusOr<std::string> token = core::OpenPageToken(list, request.page_token());
  if (!token.ok()) return token.status();
  int64_t sequence = 1;
  if (!token->empty() && !absl::SimpleAtoi(*token, &sequence)) {
    return model::MakeError(model::Reason::kPageTokenInvalid, "page_token was not made by this method");
  }

  absl::StatusOr<model::JobPtr> job = deps.store.GetJob(call.job(request.job_id()));
  if (!job.ok()) return job.status();
  const int64_t last = (*job)->last_sequence;
  const model::JobKey key = (*job)->key();
  RecordLister lister(*job, deps);
  v1::ListRecordsResponse response;
  if (names->any()) {
    NamedRecords records(request, **job, lister, deps);
    if (absl::Status found = records.Find(*names); !found.ok()) return found;
    // Counted from 1, as the chunks are.
    const absl::StatusOr<std::optional<size_t>> next =
        records.AddPage(static_cast<size_t>(std::max<int64_t>(1, sequence) - 1), *page_size, response);
    if (!next.ok()) return next.status();
    if (next->has_value()) response.set_next_page_token(core::SealPageToken(list, absl::StrCat(**next + 1)));
    return response;
  }
  // So many chunks are looked at for one page, however few of their records are wanted.
  const int64_t end = std::min(last + 1, sequence + model::kListedChunksMax);
  for (size_t bytes = 0; sequence < end; ++sequence) {
    const int before = response.records_size();
    absl::Status added = AddChunk(request, key, sequence, lister, deps, response);
    if (!added.ok()) return added;
    for (int i = before; i < response.records_size(); ++i) bytes += response.records(i).ByteSizeLong();
    if (response.records_size() >= *page_size || bytes >= static_cast<size_t>(model::kReplyBytesTarget)) {
      ++sequence;
      break;
    }
  }
  if (sequence <= last) response.set_next_page_token(core::SealPageToken(list, absl::StrCat(sequence)));
  return response;
}

}  // namespace millrace::handlers
