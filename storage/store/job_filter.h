// Which jobs and chunks a list shows.
#pragma once

#include "storage/model/chunk.h"
#include "storage/model/job.h"
#include "storage/store/job_store.h"

namespace millrace::store {

/// True when the job passes every filter of the query. The tenant is not looked at.
bool Matches(const ListJobsQuery& query, const model::Job& job);

/// The same for a chunk of the job of the query.
bool Matches(const ListChunksQuery& query, const model::Chunk& chunk);

}  // namespace millrace::store
