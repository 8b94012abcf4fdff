// Bulk runs: jobs whose records are jobs. Pure functions.
#pragma once

#include <string>

#include "storage/model/chunk.h"
#include "storage/model/job.h"

namespace millrace::model {

/// Whether `child` runs, or ran, for a record of this very job, and not of an earlier one under its id.
bool IsChildOf(const Job& child, const Job& parent);

/// Whether the outcome of a child is still to be taken by its parent, in which the chunk of the record has this state.
bool NeedsChild(const Job& parent, ChunkState chunk, const Job& child);

/// Whether a child that runs is to be cancelled because its parent was. A bulk run that failed lets its children run to their
/// end.
bool MustCancelChild(const Job& parent, const Job& child);

/// The request id under which the job of a record is submitted, the same after each restart. It holds slashes, which no request
/// id of a caller may, so that whatever is there under it is that job.
std::string ChildRequestId(const ParentRecord& record);

}  // namespace millrace::model
