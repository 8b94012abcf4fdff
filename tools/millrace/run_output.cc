#include "tools/millrace/run_output.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace millrace::cli {

absl::Status RunOutput::Write(const ChunkRows& rows, const v1::ChunkResult& result) {
  if (result.record_count() != rows.record_count) {
    return absl::InternalError(absl::StrCat("chunk ", result.chunk_id(), " has ", rows.record_count,
                                            " records in the input and ", result.record_count(), " in its result"));
  }
  ++chunks_;
  records_ += rows.record_count;
  summary_.Add(result);
  std::string_view rest = result.json_lines();
  auto skipped = rows.skipped.begin();
  int next_error = 0;
  for (int32_t i = 0; i < rows.record_count; ++i) {
    for (; skipped != rows.skipped.end() && skipped->before_record <= static_cast<size_t>(i); ++skipped) {
      if (auto status = WriteSkipped({*skipped}); !status.ok()) return status;
    }
    if (rest.empty()) {
      return absl::InternalError(absl::StrCat("the result of chunk ", result.chunk_id(), " lacks the outputs of ",
                                              rows.record_count - i, " records"));
    }
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (next_error < result.errors_size() && result.errors(next_error).index() == i) {
      const v1::RecordError& error = result.errors(next_error++);
      ++failed_;
      if (keep_failed_) {
        if (auto status = outputs_->Write("null"); !status.ok()) return status;
      }
      if (rejects_ == nullptr) continue;
      auto status = rejects_->Write(rows.originals[static_cast<size_t>(i)],
                                    {.code = error.code(), .node = error.node(), .message = error.message()});
      if (!status.ok()) return status;
    } else if (auto status = outputs_->Write(line); !status.ok()) {
      return status;
    }
  }
  return WriteSkipped({skipped, rows.skipped.end()});
}

absl::Status RunOutput::WriteSkipped(const std::vector<SkippedRow>& rows) {
  for (const SkippedRow& row : rows) {
    ++skipped_;
    if (rejects_ == nullptr) continue;
    if (auto status = rejects_->Write(row.original, row.reason); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status RunOutput::Commit() {
  if (auto status = outputs_->Commit(); !status.ok()) return status;
  return rejects_ == nullptr ? absl::OkStatus() : rejects_->Commit();
}

}  // namespace millrace::cli
