// Jobs, pipelines, services and results as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "millrace/v1/catalog_service.pb.h"
#include "millrace/v1/exception_service.pb.h"
#include "millrace/v1/job.pb.h"
#include "millrace/v1/job_service.pb.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// A state without its prefix, with the outcome of a job that ended: `COMPLETED, PARTIAL`.
std::string DescribeState(v1::JobState state, v1::Outcome outcome);

/// True for the states in which a job has ended.
bool IsFinal(v1::JobState state);

/// The states in which a job has ended, or those in which it has not.
std::vector<v1::JobState> StatesThat(bool ended);

/// Records that ran, each once however often it ran: of a JobSummary or a PipelineStatus.
template <typename Sums>
int64_t RecordsThrough(const Sums& sums) {
  return sums.records_completed() + sums.records_failed() + sums.records_discarded();
}

/// How many records a job will have in all.
struct TotalRecords {
  /// 0: there are none, or nobody can tell.
  int64_t count = 0;
  /// False: that is an estimate.
  bool is_exact = false;
};

/// Those submitted, once the input is closed; while the source is read, what is known or estimated of that.
TotalRecords TotalOf(const v1::Job& job);

/// All that is known about a job.
std::string RenderJob(const v1::Job& job, const Session& session);

/// One line a job; empty for none.
std::string RenderJobs(const std::vector<v1::Job>& jobs, const Session& session);

/// Why a job is not running: the sentence, then the numbers that are not 0.
std::string RenderExplanation(const v1::ExplainJobResponse& explanation, const Session& session);

/// An exception: the record, why it failed, and what was done about it.
std::string RenderException(const v1::RecordException& exception, const Session& session);

/// Groups of exceptions, one line each; empty for none.
std::string RenderExceptionGroups(const google::protobuf::RepeatedPtrField<v1::ExceptionGroup>& groups,
                                  const Session& session);

/// One line a record; empty for none. With the input and the time that it took where any has those.
std::string RenderRecords(const std::vector<v1::Record>& records, const Session& session);

/// The numbers of a pipeline.
std::string RenderStatus(const v1::PipelineStatus& status, const Session& session);

/// The same in one line.
std::string RenderStatusLine(const v1::PipelineStatus& status);

/// Active and recent pipelines, and the limits of tenant and server.
std::string RenderDescription(const v1::DescribePipelinesResponse& description, const Session& session);

/// One line a record of each result: its output, or why it failed. Empty for none.
std::string RenderResults(const std::vector<v1::ChunkResult>& results, const Session& session);

/// A version with its inputs, nodes and definition.
std::string RenderServiceVersion(const v1::ServiceVersion& version, const Session& session);

/// What each node did; empty for none.
std::string RenderNodeStatistics(const std::vector<v1::NodeStatistics>& nodes, const Session& session);
/// What the service counted; empty for nothing.
std::string RenderLabels(const google::protobuf::RepeatedPtrField<v1::LabelCount>& labels, const Session& session);

/// One line a chunk; empty for none.
std::string RenderChunks(const std::vector<v1::ChunkInfo>& chunks, const Session& session);
/// One event on a line.
std::string EventLine(const v1::JobEvent& event, const Session& session);
std::string RenderJobEvents(const std::vector<v1::JobEvent>& events, const Session& session);

/// The numbers of a job, then what each node did.
std::string RenderJobStatistics(const v1::JobStatistics& statistics, const Session& session);

}  // namespace millrace::cli
