#include "storage/store/job_filter.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "storage/model/job_rules.h"

namespace millrace::store {
namespace {

template <typename T>
bool Holds(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool HasText(const model::Job& job, const std::string& text) {
  const std::string wanted = absl::AsciiStrToLower(text);
  for (const std::string* place : {&job.id, &job.metadata.name, &job.metadata.description}) {
    if (absl::StrContains(absl::AsciiStrToLower(*place), wanted)) return true;
  }
  return false;
}

}  // namespace

bool Matches(const ListJobsQuery& query, const model::Job& job) {
  if (!query.service.empty() && job.service != query.service) return false;
  if (!query.service_version.empty() && job.service_version != query.service_version) return false;
  if (!query.states.empty() && !Holds(query.states, job.state)) return false;
  if (!query.outcomes.empty() && !Holds(query.outcomes, model::OutcomeOf(job))) return false;
  if (!query.project.empty() && job.metadata.project != query.project) return false;
  if (!query.tag.empty() && !Holds(job.metadata.tags, query.tag)) return false;
  if (!query.created_by.empty() && job.created_by != query.created_by) return false;
  if (!query.parent_job_id.empty() && job.parent.job_id != query.parent_job_id) return false;
  if (job.create_time < query.created_from || job.create_time >= query.created_before) return false;
  return query.text.empty() || HasText(job, query.text);
}

bool Matches(const ListChunksQuery& query, const model::Chunk& chunk) {
  if (query.part.has_value() && chunk.part != query.part) return false;
  if (query.other_than_hash.empty() && query.config_hash.empty()) return true;
  if (chunk.state != model::ChunkState::kCommitted) return false;
  if (!absl::StartsWith(chunk.config_hash, query.config_hash)) return false;
  return query.other_than_hash.empty() || chunk.config_hash != query.other_than_hash;
}

}  // namespace millrace::store
