#include "tests/simulation/world/shares.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace millrace::simulation {

void Shares::SetWaiting(const std::map<model::JobKey, Stay>& waiting) {
  const auto stays = [&](const model::JobKey& job, const Stay& stay) {
    const auto found = waiting.find(job);
    return found != waiting.end() && found->second == stay;
  };
  std::erase_if(pairs_, [&](const auto& entry) {
    return !stays(entry.first.first, entry.second.first_stay) || !stays(entry.first.second, entry.second.second_stay);
  });
  for (auto first = waiting.begin(); first != waiting.end(); ++first) {
    for (auto second = std::next(first); second != waiting.end(); ++second) {
      if (first->first.tenant != second->first.tenant || first->second.priority != second->second.priority) continue;
      pairs_.try_emplace({first->first, second->first},
                         Pair{.first_stay = first->second, .second_stay = second->second});
    }
  }
}

void Shares::OnStart(const model::JobKey& job, int64_t sequence, int64_t now_nanos) {
  started_[{job, sequence}] = now_nanos;
}

std::string Shares::OnEnd(const model::JobKey& job, int64_t sequence, int64_t now_nanos) {
  const auto started = started_.find({job, sequence});
  if (started == started_.end()) return {};
  const int64_t nanos = now_nanos - started->second;
  started_.erase(started);
  longest_nanos_ = std::max(longest_nanos_, nanos);
  std::string unfair;
  for (auto& [jobs, pair] : pairs_) {
    if (jobs.first == job) pair.first += static_cast<double>(nanos) / pair.first_stay.weight;
    if (jobs.second == job) pair.second += static_cast<double>(nanos) / pair.second_stay.weight;
    if ((jobs.first == job || jobs.second == job) && unfair.empty()) unfair = Judge(jobs, pair);
  }
  return unfair;
}

std::string Shares::Judge(const std::pair<model::JobKey, model::JobKey>& jobs, const Pair& pair) {
  // As in FairnessTest, once for what runs now and once for what was charged before the pair began.
  const double chunk_first = static_cast<double>(longest_nanos_) / pair.first_stay.weight;
  const double chunk_second = static_cast<double>(longest_nanos_) / pair.second_stay.weight;
  const double bound = 2 * static_cast<double>(workers_ + 1) * (chunk_first + chunk_second);
  if (pair.first + pair.second > bound) ++compared_;
  if (std::abs(pair.first - pair.second) <= bound) return {};
  return absl::StrCat("while both could run, ", jobs.first.job_id, " got ",
                      absl::FormatDuration(absl::Nanoseconds(pair.first)), " by weight and ", jobs.second.job_id,
                      " got ", absl::FormatDuration(absl::Nanoseconds(pair.second)), "; at most ",
                      absl::FormatDuration(absl::Nanoseconds(bound)), " may lie between");
}

}  // namespace millrace::simulation
