// What Prometheus sees: a real scrape of a real server.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <regex>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

class MetricsTest : public E2eFixture {
 protected:
  void StartMeasuredServer() {
    auto server = harness::ServerProcess::Start(
        MILLRACED_BINARY, Path("data"), 0,
        {"--log-level", "warn", "--metrics-listen", "127.0.0.1:0", "--metrics-port-file", Path("metrics").string()});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    ASSERT_TRUE(absl::SimpleAtoi(Read(Path("metrics")), &metrics_port_));
  }

  /// The body of GET `path`, with the header in front.
  std::string Get(const std::string& path) const {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(metrics_port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string reply;
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      const std::string request = absl::StrCat("GET ", path, " HTTP/1.0\r\nHost: localhost\r\n\r\n");
      EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
      char buffer[4096];
      for (ssize_t count = read(fd, buffer, sizeof buffer); count > 0; count = read(fd, buffer, sizeof buffer)) {
        reply.append(buffer, static_cast<size_t>(count));
      }
    }
    close(fd);
    return reply;
  }

  /// Name with labels to value. Every line must be one that Prometheus reads.
  std::map<std::string, double> Scrape() const {
    static const std::regex kSample(R"(([a-z_:][a-z0-9_:]*)(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? (\S+))");
    const std::string reply = Get("/metrics");
    EXPECT_EQ(reply.rfind("HTTP/1.1 200", 0), 0u) << reply.substr(0, 200);
    std::map<std::string, double> samples;
    std::istringstream body(reply.substr(reply.find("\r\n\r\n") + 4));
    for (std::string line; std::getline(body, line);) {
      if (line.empty() || line.front() == '#') continue;
      std::smatch match;
      EXPECT_TRUE(std::regex_match(line, match, kSample)) << line;
      double value = 0;
      EXPECT_TRUE(absl::SimpleAtod(match[4].str(), &value)) << line;
      samples[match[1].str() + match[2].str()] = value;
    }
    return samples;
  }

  int metrics_port_ = 0;
};

TEST_F(MetricsTest, AfterTheMainJobTheNumbersAreThoseOfTheJob) {
  StartMeasuredServer();
  CreateStrikeService();
  ASSERT_EQ(RunCli(MainJob("out.jsonl", "rejects.csv")), 0) << Stderr();
  std::map<std::string, double> samples = Scrape();
  const auto records = [&](const std::string& state) {
    return samples[R"(millrace_records_total{tenant="default",state=")" + state + "\"}"];
  };
  EXPECT_EQ(records("submitted"), 10'000);
  EXPECT_EQ(records("completed"), 7'150);
  EXPECT_EQ(records("failed"), 2'850);
  EXPECT_EQ(records("skipped"), 0);
  EXPECT_EQ(samples[R"(millrace_chunks_total{tenant="default",state="completed"})"], 34);
  EXPECT_EQ(samples[R"(millrace_jobs_ended_total{tenant="default",state="completed"})"], 1);
  for (const char* empty : {"millrace_chunks_pending", "millrace_records_pending", "millrace_oldest_wait_seconds",
                            "millrace_input_buffer_bytes", "millrace_output_buffer_bytes",
                            "millrace_input_buffer_allocated_bytes", "millrace_output_buffer_allocated_bytes"}) {
    EXPECT_EQ(samples.at(absl::StrCat(empty, R"({tenant="default"})")), 0) << empty;
  }
  EXPECT_EQ(samples.at(R"(millrace_chunk_wait_seconds_count{tenant="default"})"), 34);
  EXPECT_EQ(samples.at("millrace_workers_busy"), 0);
  EXPECT_GE(samples.at("millrace_workers"), 1);
  const std::string create = R"({method="millrace.v1.PipelineService/CreatePipeline")";
  EXPECT_EQ(samples["millrace_calls_total" + create + R"(,code="OK"})"], 1);
  EXPECT_EQ(samples["millrace_call_seconds_count" + create + "}"], 1);
  EXPECT_GT(samples.at("millrace_commit_group_verbs_count"), 0);
  EXPECT_EQ(samples.at("millrace_commit_group_verbs_count"), samples.at("millrace_commit_seconds_count"));
  EXPECT_EQ(samples.at("millrace_commit_failures_total"), 0);
  EXPECT_GT(samples.at("millrace_storage_memtable_bytes"), 0);
  EXPECT_EQ(samples.at("millrace_storage_writes_stopped"), 0);
  EXPECT_EQ(samples.at("millrace_epoch"), 1);
}

TEST_F(MetricsTest, WhatWaitsIsSeenWhileItWaits) {
  StartMeasuredServer();
  PushEndlessChunk();
  std::map<std::string, double> samples = Scrape();
  EXPECT_EQ(samples.at(R"(millrace_chunks_pending{tenant="default"})"), 1);
  EXPECT_EQ(samples.at(R"(millrace_records_pending{tenant="default"})"), 300);
  EXPECT_EQ(samples.at("millrace_workers_busy"), 1);
  EXPECT_EQ(samples.at("millrace_chunks_in_flight"), 1);
  EXPECT_GT(samples.at(R"(millrace_oldest_wait_seconds{tenant="default"})"), 0);
  EXPECT_GT(samples.at(R"(millrace_input_buffer_bytes{tenant="default"})"), 0);
  EXPECT_EQ(samples.at(R"(millrace_input_buffer_allocated_bytes{tenant="default"})"), 70'000'000);
  EXPECT_EQ(samples.at(R"(millrace_jobs{tenant="default",state="in_progress"})"), 1);
}

TEST_F(MetricsTest, WithoutAnAddressNothingIsServed) {
  StartServer();
  EXPECT_FALSE(std::filesystem::exists(Path("metrics")));
}

TEST_F(MetricsTest, AnAddressThatIsTakenIsNamed) {
  StartMeasuredServer();
  const std::string taken = absl::StrCat("127.0.0.1:", metrics_port_);
  EXPECT_EQ(RunAnything({MILLRACED_BINARY, "--data-dir", Path("other").string(), "--listen", "127.0.0.1:0",
                         "--metrics-listen", taken}),
            1);
  EXPECT_NE(Stderr().find(taken), std::string::npos) << Stderr();
}

}  // namespace
}  // namespace millrace::e2e
