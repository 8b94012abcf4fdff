#include "server/background/query_records.h"

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/queries/query_rows.h"
#include "storage/records/json_text.h"

namespace millrace::background {
namespace {

class QueryRecords final : public SourceRecords {
 public:
  QueryRecords(const model::Job& job, std::unique_ptr<queries::QueryRows> rows)
      : SourceRecords(job.source_position),
        sample_(job.source.sample),
        rows_(std::move(rows)),
        kept_from_(position_.records),
        reached_(position_) {}

  absl::StatusOr<Found> Next(std::string& line) override {
    if (next_ < kept_.size()) {
      line = kept_[next_].line;
      position_ = kept_[next_++].behind;
      return Found::kRecord;
    }
    position_ = reached_;
    const absl::StatusOr<Found> found = Read(line);
    reached_ = position_;
    if (found.ok() && *found == Found::kRecord) kept_.push_back({line, position_});
    next_ = kept_.size();
    return found;
  }

  /// The query would be run anew, and perhaps sorted.
  bool is_worth_keeping() const override { return true; }

  bool GoBackTo(const model::SourcePosition& position) override {
    if (position.rest != reached_.rest) return false;
    if (position.records < kept_from_ || position.records > reached_.records) return false;
    while (!kept_.empty() && kept_.front().behind.records <= position.records) kept_.pop_front();
    kept_from_ = position.records;
    next_ = 0;
    position_ = position;
    return true;
  }

 private:
  /// A record that was handed out since the position to which one may go back. The others were left out.
  struct Kept {
    std::string line;
    model::SourcePosition behind;
  };

  absl::StatusOr<Found> Read(std::string& line) {
    if (IsSampleOver(sample_)) return Found::kEnd;
    const absl::StatusOr<bool> read = rows_->Next(row_);
    if (!read.ok()) return read.status();
    if (!*read) return Found::kEnd;
    position_.offset += static_cast<int64_t>(row_.json.size());
    position_.key = row_.key;
    const Found found = Count(sample_);
    if (found == Found::kLeftOut) return found;
    if (row_.problem.empty()) {
      line = std::move(row_.json);
    } else {
      ++position_.read_errors;
      line = BadRecord(row_.problem, queries::QueryRows::KeyText(row_.key));
    }
    return found;
  }

  const model::SourceSample sample_;
  const std::unique_ptr<queries::QueryRows> rows_;
  queries::QueryRow row_;
  /// At most what a piece holds.
  std::deque<Kept> kept_;
  /// Which of them is the next; behind the last: the next row of the query, which is at `reached_`.
  size_t next_ = 0;
  int64_t kept_from_;
  model::SourcePosition reached_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SourceRecords>> OpenQueryRecords(const model::Job& job,
                                                                const queries::Connections& connections,
                                                                const model::Clock& clock, std::stop_token stop) {
  const model::JobSource& source = job.source;
  const queries::Connection* connection = connections.Find(source.connection);
  if (connection == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("the server has no connection '", source.connection, "' (--source-connections)"));
  }
  absl::StatusOr<std::unique_ptr<queries::QueryRows>> rows =
      queries::QueryRows::Open(*connection, {.text = source.query, .key_columns = source.key_columns},
                               job.source_position.key, clock, std::move(stop));
  if (!rows.ok()) return rows.status();
  return std::make_unique<QueryRecords>(job, *std::move(rows));
}

}  // namespace millrace::background
