// From the model to the API. Pure; the handlers fill in what only they know.
#pragma once

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "millrace/v1/catalog_service.pb.h"
#include "millrace/v1/exception_service.pb.h"
#include "millrace/v1/job.pb.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "millrace/v1/records.pb.h"
#include "server/core/service_definition.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/run_statistics.h"
#include "storage/model/service_version.h"

namespace millrace::core {

google::protobuf::Timestamp ToProto(absl::Time time);
google::protobuf::Duration ToProto(absl::Duration duration);

/// Out of range where the duration message is not normalised or too large.
absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& duration);

/// Out of range where the timestamp message is not normalised, or not of the years 1678 to 2262, which the store holds.
absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& time);

/// `now` ends the run time of a job that still runs, and is the response time.
v1::Job ToProto(const model::Job& job, absl::Time now);

/// From the first push to the end of the job, or to `now`; zero before the first push.
absl::Duration RunTimeOf(const model::Job& job, absl::Time now);

/// `workers_in_use` is what the lease hub says.
v1::PipelineStatus ToStatusProto(const model::Job& job, int32_t workers_in_use, absl::Time request_time,
                                 absl::Time now);

/// Consumes the result's outputs. INTERNAL when stored outputs are not JSON and the encoding needs to read them.
absl::StatusOr<v1::ChunkResult> ToProto(model::ChunkResult result, v1::ResultEncoding encoding);

v1::RecordRun ToProto(const model::RecordRun& run);
v1::RecordException ToProto(const model::RecordException& exception, std::string_view job_id);
v1::ExceptionGroup ToProto(const model::ExceptionGroup& group);

/// Without definition, inputs, nodes and outputs, as in lists.
v1::ServiceVersion ToProto(const model::ServiceVersion& version);
/// Adds what the definition says.
void AddDefinition(const model::ServiceVersion& version, const ServiceDefinition& plan, v1::ServiceVersion& proto);
v1::ServiceSummary ToProto(const model::ServiceSummary& service);
v1::NodeStatistics ToProto(std::string_view node, const model::NodeStatistics& statistics);
void AddLabels(const model::LabelCounts& labels, google::protobuf::RepeatedPtrField<v1::LabelCount>& proto);

}  // namespace millrace::core
