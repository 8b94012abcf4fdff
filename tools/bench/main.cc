// Runs scenarios, prints their figures beside what they should be, and compares them with an earlier run.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/bench/figures.h"
#include "tools/bench/scenarios.h"

namespace {

using millrace::bench::AllScenarios;
using millrace::bench::Baseline;
using millrace::bench::BenchOptions;
using millrace::bench::Report;
using millrace::bench::Scenario;

std::string ScenarioList() {
  std::string list = "Scenarios (without a name: those with a star)";
  for (const Scenario& scenario : AllScenarios()) {
    absl::StrAppendFormat(&list, "\n  %s %-10s %s", scenario.by_default ? "*" : " ", scenario.name,
                          scenario.description);
  }
  return list;
}

std::vector<Scenario> Chosen(const std::vector<std::string>& names) {
  std::vector<Scenario> chosen;
  for (const Scenario& scenario : AllScenarios()) {
    const bool named = std::find(names.begin(), names.end(), scenario.name) != names.end();
    if (named || (names.empty() && scenario.by_default)) chosen.push_back(scenario);
  }
  return chosen;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures Millrace: real servers and clients on this machine, durable before acknowledged.");
  app.footer(ScenarioList());
  BenchOptions options;
  std::vector<std::string> names;
  std::string server_binary;
  std::string yardstick_binary;
  std::string json_file;
  std::string compare_file;
  std::vector<std::string> known;
  for (const Scenario& scenario : AllScenarios()) known.push_back(scenario.name);
  app.add_option("SCENARIO", names, "What to measure")->check(CLI::IsMember(known));
  app.add_option("--server-binary", server_binary, "The millraced to measure")->required()->check(CLI::ExistingFile);
  app.add_option("--yardstick-binary", yardstick_binary, "The bare prototype to measure beside it")
      ->check(CLI::ExistingFile);
  app.add_option("--records", options.records, "Records of one repetition of the main job")
      ->capture_default_str()
      ->check(CLI::Range(3'000, 1'000'000'000));
  app.add_option("--repetitions", options.repetitions, "Repetitions; the median counts")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--workers", options.workers, "Worker threads of the server; 0 is one per core")
      ->capture_default_str();
  app.add_option("--json", json_file, "File that receives the figures as JSON");
  app.add_option("--compare", compare_file, "File that --json wrote in an earlier run; prints the ratios to it")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  options.server_binary = server_binary;
  options.yardstick_binary = yardstick_binary;

  Baseline baseline;
  if (!compare_file.empty()) {
    absl::StatusOr<Baseline> read = millrace::bench::ReadBaseline(compare_file);
    if (!read.ok()) {
      std::fprintf(stderr, "millrace_bench: %s\n", read.status().ToString().c_str());
      return 2;
    }
    baseline = *std::move(read);
  }
  if (yardstick_binary.empty()) std::puts("no yardstick was given, so there are no ratios to it");
  std::vector<Report> reports;
  for (const Scenario& scenario : Chosen(names)) {
    absl::StatusOr<Report> report = scenario.run(options);
    if (!report.ok()) {
      std::fprintf(stderr, "millrace_bench: %s: %s\n", scenario.name.c_str(), report.status().ToString().c_str());
      return 1;
    }
    std::fputs(millrace::bench::RenderTable(*report, baseline).c_str(), stdout);
    std::fflush(stdout);
    reports.push_back(*std::move(report));
  }
  if (!json_file.empty()) std::ofstream(json_file) << millrace::bench::ToJson(reports);
  return 0;
}
