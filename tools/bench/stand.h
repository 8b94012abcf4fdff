// A server of one's own to be measured, with clients on it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cpp/client.h"
#include "client/cpp/pipeline.h"
#include "tools/harness/server_process.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::bench {

/// What every scenario is told.
struct BenchOptions {
  std::filesystem::path server_binary;
  /// The bare prototype's end-to-end program; empty: there is none, and no ratio to it.
  std::filesystem::path yardstick_binary;
  /// Records of one repetition of the main job.
  int64_t records = 600'000;
  /// Repetitions; the median counts.
  int repetitions = 7;
  /// Threads of the server's worker pool; 0 is one per core.
  int workers = 0;
};

/// Seconds on the steady clock.
double Seconds();

/// A server on an empty folder, and a client of it. Not thread-safe; the clients are.
class Stand {
 public:
  static absl::StatusOr<std::unique_ptr<Stand>> Start(const BenchOptions& options);

  const client::Client& client() const { return *client_; }
  int port() const { return server_->port(); }
  /// A client over a connection of its own, as another program would have.
  absl::StatusOr<client::Client> NewClient() const;

  /// Kills the server and starts it again on its folder. Returns the seconds until it served.
  absl::StatusOr<double> Restart();

  /// Ends the server with SIGTERM. It is not used any more.
  absl::Status Drain();

  /// Creates a service version, and a pipeline with `options` on it whose parameter `rate` is 0.25.
  absl::Status CreateService(const std::string& definition);
  absl::StatusOr<client::Pipeline> CreatePipeline(const std::string& service, const v1::JobOptions& options = {});

  /// Of the server process: resident bytes now and at most so far, and CPU seconds. See proc(5).
  int64_t resident_bytes() const;
  int64_t peak_resident_bytes() const;
  double cpu_seconds() const;

 private:
  explicit Stand(const BenchOptions& options) : options_(options) {}
  absl::Status StartServer();
  int64_t StatusKilobytes(const std::string& field) const;

  const BenchOptions options_;
  const harness::TemporaryFolder folder_;
  std::unique_ptr<harness::ServerProcess> server_;
  std::unique_ptr<client::Client> client_;
};

}  // namespace millrace::bench
