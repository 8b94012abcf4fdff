#include "storage/store/model_lists.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using model::JobPtr;

/// The place of a job in the list: when it was created, and its id.
using ListPlace = std::pair<int64_t, std::string>;

ListPlace PlaceOf(const model::Job& job) { return {absl::ToUnixNanos(job.create_time), job.id}; }

std::string TokenOf(const ListPlace& place) { return absl::StrCat(place.first, "/", place.second); }

std::optional<ListPlace> ReadToken(const std::string& token) {
  const std::vector<std::string> parts = absl::StrSplit(token, '/');
  int64_t created = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &created)) return std::nullopt;
  return ListPlace(created, parts[1]);
}

}  // namespace

absl::StatusOr<Page<JobPtr>> PageOf(const ListJobsQuery& query, std::vector<JobPtr> jobs) {
  const std::optional<ListPlace> behind = ReadToken(query.token);
  if (!query.token.empty() && !behind.has_value()) return PageTokenInvalid();
  const auto comes_first = [&](const ListPlace& a, const ListPlace& b) { return query.oldest_first ? a < b : b < a; };
  if (behind.has_value()) {
    std::erase_if(jobs, [&](const JobPtr& job) { return !comes_first(*behind, PlaceOf(*job)); });
  }
  std::sort(jobs.begin(), jobs.end(),
            [&](const JobPtr& a, const JobPtr& b) { return comes_first(PlaceOf(*a), PlaceOf(*b)); });
  Page<JobPtr> page;
  if (const auto size = static_cast<size_t>(query.page_size); jobs.size() > size) {
    jobs.resize(size);
    page.next_token = TokenOf(PlaceOf(*jobs.back()));
  }
  page.items = std::move(jobs);
  return page;
}

std::vector<JobPtr> EndedSince(absl::Time since, size_t jobs_max, std::vector<JobPtr> jobs) {
  std::erase_if(jobs, [&](const JobPtr& job) { return job->complete_time < since; });
  std::sort(jobs.begin(), jobs.end(), [](const JobPtr& a, const JobPtr& b) {
    return std::tie(b->complete_time, b->id) < std::tie(a->complete_time, a->id);
  });
  jobs.resize(std::min(jobs.size(), jobs_max));
  return jobs;
}

std::vector<model::Expiry> ExpiredBy(absl::Time now, const model::Expiry& behind, int32_t jobs_max,
                                     const std::vector<model::JobPtr>& jobs) {
  std::vector<model::Expiry> expired;
  for (const model::JobPtr& job : jobs) {
    model::Expiry expiry{model::ExpireTime(*job), job->key()};
    if (expiry.time == absl::InfiniteFuture()) continue;
    if (expiry.time <= now && behind < expiry) expired.push_back(std::move(expiry));
  }
  std::sort(expired.begin(), expired.end());
  if (expired.size() > static_cast<size_t>(jobs_max)) expired.resize(static_cast<size_t>(jobs_max));
  return expired;
}

}  // namespace millrace::store
