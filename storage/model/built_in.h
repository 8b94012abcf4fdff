// Services that every tenant has without anybody creating them.
#pragma once

#include <string_view>

#include "storage/model/job.h"
#include "storage/model/service_version.h"

namespace millrace::model {

/// The service whose records are jobs: a job of it is a bulk run.
inline constexpr std::string_view kJobsService = "millrace/jobs";
/// The one node that it has: what ran for a record is counted, and an exception is shown, under this name.
inline constexpr std::string_view kJobsNode = "job";

/// The one version of kJobsService. Its tenant is empty: it belongs to all.
const ServiceVersion& JobsService();

/// The built-in service that bears this name or id; null where there is none.
const ServiceVersion* FindBuiltIn(std::string_view service);
const ServiceVersion* FindBuiltInVersion(std::string_view version_id);

/// Whether the records of a job are jobs.
inline bool IsBulkRun(const Job& job) { return job.service == kJobsService; }

}  // namespace millrace::model
