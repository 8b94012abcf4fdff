// Prints what the main job reaches, beside its stages alone and the bare yardstick, all of one run.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "tools/bench/main_job.h"
#include "tools/bench/records.h"
#include "tools/bench/stages.h"

namespace {

using millrace::bench::MainJobReport;
using millrace::bench::StageRate;

/// Different chunks, so that neither caches nor compression see the same bytes again and again.
constexpr int kDistinctChunks = 200;

void PrintRate(const std::string& label, double rate, double main_rate) {
  std::printf("  %-52s %10.0f records/s   %5.2f of it\n", label.c_str(), rate, main_rate / rate);
}

std::string ToJson(const MainJobReport& best, const std::vector<StageRate>& stages, double yardstick) {
  std::string json = "{\"main_job_records_per_second\": " + std::to_string(best.records_per_second);
  json += ", \"server_cpu_us_per_chunk\": " + std::to_string(best.server_cpu_us_per_chunk);
  for (const StageRate& stage : stages)
    json += ", \"" + stage.stage + "\": " + std::to_string(stage.records_per_second);
  if (yardstick > 0) json += ", \"ratio_to_yardstick\": " + std::to_string(best.records_per_second / yardstick);
  return json + "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Measures the main job: formula A over chunks of 300 records, durable, one server and one client process.");
  millrace::bench::MainJobOptions options;
  std::string server_binary;
  std::string json_file;
  double yardstick = 0;
  int repetitions = 3;
  app.add_option("--server-binary", server_binary, "The millraced to measure")->required()->check(CLI::ExistingFile);
  app.add_option("--records", options.records, "Records of each repetition")
      ->capture_default_str()
      ->check(CLI::Range(300, 1'000'000'000));
  app.add_option("--repetitions", repetitions, "Repetitions; the median counts")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--workers", options.workers, "Worker threads of the server; 0 is one per core")
      ->capture_default_str();
  app.add_option("--yardstick-records-per-second", yardstick, "What the bare prototype reached in the same session");
  app.add_option("--json", json_file, "File that receives the figures as JSON");
  CLI11_PARSE(app, argc, argv);
  options.server_binary = server_binary;

  const std::vector<std::string> chunks = millrace::bench::MakeChunks(kDistinctChunks);
  std::vector<MainJobReport> reports;
  for (int i = 0; i < repetitions; ++i) {
    const absl::StatusOr<MainJobReport> report = millrace::bench::RunMainJob(options, chunks);
    if (!report.ok()) {
      std::fprintf(stderr, "millrace_bench: %s\n", report.status().ToString().c_str());
      return 1;
    }
    std::printf("run %d: %.0f records/s (pushed durably at %.0f, read again at %.0f), server CPU %.0f us/chunk\n",
                i + 1, report->records_per_second, report->push_records_per_second, report->pull_records_per_second,
                report->server_cpu_us_per_chunk);
    reports.push_back(*report);
  }
  std::sort(reports.begin(), reports.end(),
            [](const auto& a, const auto& b) { return a.records_per_second < b.records_per_second; });
  const MainJobReport median = reports[reports.size() / 2];
  const std::vector<StageRate> stages = millrace::bench::MeasureStages(chunks);

  std::printf("\nmain job, formula A, %d-record chunks, median of %d: %.0f records/s\n\n",
              millrace::bench::kChunkRecords, repetitions, median.records_per_second);
  std::printf("bare stages of the same run, and the main job's share of each:\n");
  for (const StageRate& stage : stages) PrintRate(stage.stage, stage.records_per_second, median.records_per_second);
  PrintRate("pull: read again through gRPC", median.pull_records_per_second, median.records_per_second);
  if (yardstick > 0) {
    std::printf("\nyardstick (bare push, evaluate, store, pull): %.0f records/s; ratio %.2f\n", yardstick,
                median.records_per_second / yardstick);
  } else {
    std::printf("\nno yardstick was given, so there is no ratio to it\n");
  }
  if (!json_file.empty()) std::ofstream(json_file) << ToJson(median, stages, yardstick);
  return 0;
}
