#include "server/execution/quarantine.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::execution {
namespace {

constexpr std::string_view kTitle = "millrace-deaths-1";

}  // namespace

Quarantine Quarantine::Load(const std::filesystem::path& file) {
  Quarantine quarantine;
  std::ifstream stream(file);
  std::string title;
  if (!(stream >> title >> quarantine.counted_epoch_) || title != kTitle) return {};
  // Ids hold no blanks.
  model::JobKey job;
  int64_t sequence = 0;
  int32_t index = 0;
  int32_t deaths = 0;
  while (stream >> job.tenant >> job.job_id >> sequence >> index >> deaths) {
    quarantine.deaths_.emplace(Place(job, sequence, index), deaths);
  }
  return quarantine;
}

std::vector<LastFlight> Quarantine::CountDeath(
    const std::vector<LastFlight>& flights,
    absl::FunctionRef<bool(const model::JobKey& job, int64_t sequence)> waiting) {
  std::vector<LastFlight> quarantined;
  int64_t epoch = counted_epoch_;
  std::map<Place, int32_t> running;
  for (const LastFlight& flight : flights) {
    if (flight.epoch <= counted_epoch_) continue;
    epoch = std::max(epoch, flight.epoch);
    const Place place(flight.job, flight.sequence, flight.index);
    const auto before = deaths_.find(place);
    const int32_t deaths = before == deaths_.end() ? 1 : before->second + 1;
    if (deaths == kDeathsMax) quarantined.push_back(flight);
    running.emplace(place, deaths);
  }
  if (!running.empty()) {
    std::erase_if(deaths_, [](const auto& entry) { return entry.second < kDeathsMax; });
    for (const auto& [place, deaths] : running) deaths_.insert_or_assign(place, deaths);
  }
  std::erase_if(deaths_,
                [&waiting](const auto& entry) { return !waiting(std::get<0>(entry.first), std::get<1>(entry.first)); });
  counted_epoch_ = epoch;
  return quarantined;
}

absl::Status Quarantine::Save(const std::filesystem::path& file) const {
  const std::filesystem::path draft = file.string() + ".partial";
  std::ofstream stream(draft);
  stream << kTitle << ' ' << counted_epoch_ << '\n';
  for (const auto& [place, deaths] : deaths_) {
    const auto& [job, sequence, index] = place;
    stream << job.tenant << ' ' << job.job_id << ' ' << sequence << ' ' << index << ' ' << deaths << '\n';
  }
  stream.close();
  std::error_code error;
  if (stream) std::filesystem::rename(draft, file, error);
  if (stream && !error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write ", file.string()));
}

std::vector<int32_t> Quarantine::Find(const model::JobKey& job, int64_t sequence) const {
  std::vector<int32_t> indexes;
  for (auto it = deaths_.lower_bound(Place(job, sequence, std::numeric_limits<int32_t>::min())); it != deaths_.end();
       ++it) {
    const auto& [key, at, index] = it->first;
    if (key != job || at != sequence) break;
    if (it->second >= kDeathsMax) indexes.push_back(index);
  }
  return indexes;
}

}  // namespace millrace::execution
