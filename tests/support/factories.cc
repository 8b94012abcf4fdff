#include "tests/support/factories.h"

#include "absl/strings/str_cat.h"

namespace millrace::testing {

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(1'704'067'200 + seconds); }

model::ServiceVersion ExampleVersion(std::string_view version, std::string_view service) {
  model::ServiceVersion example;
  example.tenant = std::string(kTenant);
  example.service = std::string(service);
  example.version = std::string(version);
  example.service_id = absl::StrCat("service-of-", example.version);
  example.version_id = absl::StrCat("version-", example.version);
  example.definition = absl::StrCat("service: ", example.service, "\nversion: ", example.version, "\n");
  example.config_hash = absl::StrCat("hash-of-", example.version);
  example.description = absl::StrCat("doubles n, version ", example.version);
  example.created_by = "anonymous";
  return example;
}

model::Job ExampleJob(std::string_view id) {
  const model::ServiceVersion version = ExampleVersion();
  model::Job job;
  job.tenant = version.tenant;
  job.id = std::string(id);
  job.service = version.service;
  job.service_version = version.version;
  job.service_id = version.service_id;
  job.version_id = version.version_id;
  job.config_hash = version.config_hash;
  job.metadata.name = "an example";
  job.metadata.tags = {"a", "b"};
  job.parameters_json = R"({"rate":2})";
  job.selected_outputs = {"m"};
  job.created_by = "anonymous";
  job.owner = "server-1";
  return job;
}

model::NewChunk ExampleChunk(std::string_view id, int32_t records) {
  model::NewChunk chunk;
  chunk.id = std::string(id);
  chunk.record_count = records;
  for (int32_t i = 0; i < records; ++i) chunk.json_lines += "{\"n\":1}\n";
  return chunk;
}

model::RecordFailure ExampleFailure(int32_t index, std::string_view message) {
  return {index, "mass", "FAILED", std::string(message), R"({"n":1})"};
}

model::ChunkCommit ExampleCommit(const model::JobKey& job, int64_t sequence, int32_t records, int32_t failed) {
  model::ChunkCommit commit;
  commit.job = job;
  commit.sequence = sequence;
  commit.epoch = 1;
  commit.config_hash = ExampleVersion().config_hash;
  commit.outcome.record_count = records;
  commit.outcome.compute_nanos = 1'000 * records;
  for (int32_t i = 0; i < records; ++i) {
    if (i < failed) commit.outcome.failures.push_back(ExampleFailure(i));
    commit.outcome.json_lines += i < failed ? "null\n" : "{\"m\":2}\n";
    commit.outcome.process_time_ns.push_back(100 + i);
  }
  model::NodeStatistics& mass = commit.outcome.nodes["mass"];
  mass.record_count = records;
  mass.success_count = records - failed;
  mass.failure_count = failed;
  mass.run_nanos = 100 * records;
  mass.max_nanos = 100;
  for (int32_t i = 0; i < records; ++i) mass.run_times.Add(100);
  return commit;
}

}  // namespace millrace::testing
