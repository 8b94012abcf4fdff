#include "storage/model/built_in.h"

namespace millrace::model {

const ServiceVersion& JobsService() {
  // Its nodes say what it does in the language of any other definition; they are never run.
  static const ServiceVersion* const version = [] {
    auto* jobs = new ServiceVersion;
    jobs->service = kJobsService;
    jobs->version = "1.0.0";
    jobs->service_id = "millrace.jobs";
    jobs->version_id = "millrace.jobs.1.0.0";
    jobs->definition = R"yaml(service: millrace/jobs
version: 1.0.0
description: Runs each record as a job of its own, see docs/BULK.md. Built in.
inputs:
  service: {type: string}
nodes:
  job: {lua: "fail('BUILT_IN', 'the server itself runs these records, as jobs: ' .. service)"}
  job_id: {lua: job.id}
  name: {lua: job.name}
  state: {lua: job.state}
  outcome: {lua: job.outcome}
  records_submitted: {lua: job.records_submitted}
  records_completed: {lua: job.records_completed}
  records_failed: {lua: job.records_failed}
  records_skipped: {lua: job.records_skipped}
  run_seconds: {lua: job.run_seconds}
  attempts: {lua: job.attempts}
outputs: [job_id, name, state, outcome, records_submitted, records_completed, records_failed, records_skipped, run_seconds, attempts]
)yaml";
    // ConfigHash of the definition.
    jobs->config_hash = "3f25a8c790c355f68e62ee8031e90e52495c3910a5d7d5eee58ef3e57aab8d6d";
    jobs->description = "Runs each record as a job of its own, see docs/BULK.md. Built in.";
    jobs->created_by = "millrace";
    jobs->create_time = absl::UnixEpoch();
    return jobs;
  }();
  return *version;
}

const ServiceVersion* FindBuiltIn(std::string_view service) {
  return service == kJobsService ? &JobsService() : nullptr;
}

const ServiceVersion* FindBuiltInVersion(std::string_view version_id) {
  return version_id == JobsService().version_id ? &JobsService() : nullptr;
}

}  // namespace millrace::model
