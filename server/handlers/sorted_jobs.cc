#include "server/handlers/sorted_jobs.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/core/convert.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

using model::JobPtr;

// With the 1,000 jobs that were begun in it, and what the page costs, a call stays under the 50 ms that a person notices.
constexpr absl::Duration kLookingTimeMax = absl::Milliseconds(30);

/// The place of a job in a list: the larger number first, then the text from A to Z, then the newest job.
struct Rank {
  int64_t number = 0;
  std::string text;
  int64_t created_nanos = 0;
  std::string id;

  /// Smaller is earlier in the list.
  friend bool operator<(const Rank& a, const Rank& b) {
    return std::tie(b.number, a.text, b.created_nanos, b.id) < std::tie(a.number, b.text, a.created_nanos, a.id);
  }
};

/// `now` ends the run time of a job that still runs.
Rank RankOf(const model::Job& job, v1::JobOrder order, absl::Time now) {
  Rank rank{.number = 0, .text = "", .created_nanos = absl::ToUnixNanos(job.create_time), .id = job.id};
  switch (order) {
    case v1::JOB_ORDER_LAST_ENDED_FIRST:
      rank.number = job.complete_time == absl::InfinitePast() ? std::numeric_limits<int64_t>::min()
                                                              : absl::ToUnixNanos(job.complete_time);
      break;
    case v1::JOB_ORDER_MOST_FAILED_FIRST:
      rank.number = job.counters.records_failed;
      break;
    case v1::JOB_ORDER_LONGEST_FIRST:
      rank.number = absl::ToInt64Nanoseconds(core::RunTimeOf(job, now));
      break;
    case v1::JOB_ORDER_NAME:
      rank.number = job.metadata.name.empty() ? 0 : 1;
      rank.text = job.metadata.name;
      break;
    default:
      break;
  }
  return rank;
}

/// How far a list has come from one call to the next.
struct Progress {
  /// Of the first call: what lasts grows all the same for as long as a list is read.
  absl::Time now;
  /// The page has jobs behind this one only.
  std::optional<Rank> behind;

  // While jobs are looked at for a page.

  /// The token with which the store goes on; empty: from the newest job.
  std::string store_token;
  int32_t page_size = 0;
  /// Those that lead so far.
  std::vector<std::string> best;
  /// The best of those for which there was no room. What comes behind it is of a later page, whatever becomes of the leaders.
  std::optional<Rank> rest;
};

std::string Write(const std::optional<Rank>& rank) {
  if (!rank.has_value()) return "";
  return absl::StrCat(rank->number, ",", rank->created_nanos, ",", rank->id, ",",
                      absl::WebSafeBase64Escape(rank->text));
}

std::string Write(const Progress& progress) {
  return absl::StrCat(absl::ToUnixNanos(progress.now), "\n", Write(progress.behind), "\n", progress.store_token, "\n",
                      progress.page_size, "\n", absl::StrJoin(progress.best, ","), "\n", Write(progress.rest));
}

absl::Status TokenInvalid() {
  return model::MakeError(model::Reason::kPageTokenInvalid, "page_token was not made by this method");
}

absl::StatusOr<std::optional<Rank>> ReadRank(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  Rank rank;
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[0], &rank.number) ||
      !absl::SimpleAtoi(parts[1], &rank.created_nanos) || !absl::WebSafeBase64Unescape(parts[3], &rank.text)) {
    return TokenInvalid();
  }
  rank.id = parts[2];
  return rank;
}

absl::StatusOr<Progress> Read(const std::string& token) {
  const std::vector<std::string> lines = absl::StrSplit(token, '\n');
  Progress progress;
  int64_t nanos = 0;
  if (lines.size() != 6 || !absl::SimpleAtoi(lines[0], &nanos) || !absl::SimpleAtoi(lines[3], &progress.page_size) ||
      progress.page_size < 1 || progress.page_size > model::kPageSizeMax) {
    return TokenInvalid();
  }
  absl::StatusOr<std::optional<Rank>> behind = ReadRank(lines[1]);
  if (!behind.ok()) return behind.status();
  absl::StatusOr<std::optional<Rank>> rest = ReadRank(lines[5]);
  if (!rest.ok()) return rest.status();
  progress.now = absl::FromUnixNanos(nanos);
  progress.behind = *std::move(behind);
  progress.store_token = lines[2];
  progress.best = absl::StrSplit(lines[4], ',', absl::SkipEmpty());
  progress.rest = *std::move(rest);
  return progress;
}

/// The best of the jobs that it is given.
class Best {
 public:
  Best(const Progress& progress, v1::JobOrder order)
      : behind_(progress.behind),
        now_(progress.now),
        order_(order),
        jobs_max_(static_cast<size_t>(progress.page_size)),
        rest_(progress.rest) {}

  void Add(const JobPtr& job) {
    Rank rank = RankOf(*job, order_, now_);
    if (behind_.has_value() && !(*behind_ < rank)) return;
    if (rest_.has_value() && !(rank < *rest_)) return;
    ranked_.emplace_back(std::move(rank), job);
    // Sorting is dear, so it is done once for many.
    if (ranked_.size() >= jobs_max_ + static_cast<size_t>(model::kPageSizeMax)) Cut();
  }

  /// Best first. To be called once there is nothing more to add.
  const std::vector<std::pair<Rank, JobPtr>>& Take() {
    Cut();
    return ranked_;
  }

  /// The best of those for which there was no room.
  const std::optional<Rank>& rest() const { return rest_; }

 private:
  void Cut() {
    std::sort(ranked_.begin(), ranked_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    if (ranked_.size() <= jobs_max_) return;
    rest_ = ranked_[jobs_max_].first;
    ranked_.resize(jobs_max_);
  }

  const std::optional<Rank> behind_;
  const absl::Time now_;
  const v1::JobOrder order_;
  const size_t jobs_max_;
  std::optional<Rank> rest_;
  std::vector<std::pair<Rank, JobPtr>> ranked_;
};

/// Adds the jobs that led before, as they are now. One that was deleted since leads no more.
absl::Status AddEarlier(const Progress& progress, const std::string& tenant, const Deps& deps, Best& best) {
  for (const std::string& id : progress.best) {
    const absl::StatusOr<JobPtr> job = deps.store.GetJob({tenant, id});
    if (model::HasReason(job.status(), model::Reason::kPipelineNotFound)) continue;
    if (!job.ok()) return job.status();
    best.Add(*job);
  }
  return absl::OkStatus();
}

}  // namespace

bool IsSortedByLooking(v1::JobOrder order) {
  return order == v1::JOB_ORDER_LAST_ENDED_FIRST || order == v1::JOB_ORDER_MOST_FAILED_FIRST ||
         order == v1::JOB_ORDER_LONGEST_FIRST || order == v1::JOB_ORDER_NAME;
}

absl::StatusOr<store::Page<JobPtr>> ListSorted(store::ListJobsQuery query, v1::JobOrder order, const Deps& deps) {
  const int64_t end_nanos = deps.clock.SteadyNanos() + absl::ToInt64Nanoseconds(kLookingTimeMax);
  Progress progress;
  progress.now = deps.clock.Now();
  if (!query.token.empty()) {
    absl::StatusOr<Progress> read = Read(query.token);
    if (!read.ok()) return read.status();
    progress = *std::move(read);
  }
  // A page has the size that it was begun with: what did not lead then is forgotten.
  if (progress.store_token.empty()) progress.page_size = query.page_size;
  Best best(progress, order);
  if (absl::Status added = AddEarlier(progress, query.tenant, deps, best); !added.ok()) return added;

  query.page_size = model::kPageSizeMax;
  query.token = progress.store_token;
  do {
    absl::StatusOr<store::Page<JobPtr>> looked_at = deps.store.ListJobs(query);
    if (!looked_at.ok()) return looked_at.status();
    for (const JobPtr& job : looked_at->items) best.Add(job);
    query.token = std::move(looked_at->next_token);
  } while (!query.token.empty() && deps.clock.SteadyNanos() < end_nanos);

  const std::vector<std::pair<Rank, JobPtr>>& jobs = best.Take();
  store::Page<JobPtr> page;
  progress.store_token = query.token;
  progress.best.clear();
  progress.rest = best.rest();
  if (!query.token.empty()) {
    progress.best.reserve(jobs.size());
    for (const auto& [rank, job] : jobs) progress.best.push_back(rank.id);
    page.next_token = Write(progress);
    return page;
  }
  page.items.reserve(jobs.size());
  for (const auto& [rank, job] : jobs) page.items.push_back(job);
  if (progress.rest.has_value()) {
    progress.rest.reset();
    if (!jobs.empty()) progress.behind = jobs.back().first;
    page.next_token = Write(progress);
  }
  return page;
}

}  // namespace millrace::handlers
