// Ready-made values for tests: each fills in all that a test does not care about.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "storage/model/chunk.h"
#include "storage/model/job.h"
#include "storage/model/service_version.h"

namespace millrace::testing {

/// 2024-01-01T00:00:00Z plus some seconds.
absl::Time At(int64_t seconds);

inline constexpr std::string_view kTenant = "default";
inline constexpr std::string_view kService = "demo/double";

/// A version of kService whose ids are made of `version`.
model::ServiceVersion ExampleVersion(std::string_view version = "1.0.0", std::string_view service = kService);

/// A job of kTenant on ExampleVersion(), as a creator hands it to the store.
model::Job ExampleJob(std::string_view id = "job-1");

/// A chunk of `records` records of 8 bytes each (`{"n":1}` and a line end).
model::NewChunk ExampleChunk(std::string_view id, int32_t records = 3);

inline constexpr int64_t kExampleRecordBytes = 8;

/// A failed record with a message that NormaliseMessage leaves alone.
model::RecordFailure ExampleFailure(int32_t index, std::string_view message = "unknown size");

/// The commit of a chunk of `records` records in epoch 1. The first `failed` of them failed, and each of the others has
/// the output `{"m":2}`.
model::ChunkCommit ExampleCommit(const model::JobKey& job, int64_t sequence, int32_t records = 3, int32_t failed = 0);

}  // namespace millrace::testing
