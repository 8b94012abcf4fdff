#include "tools/bench/scenarios.h"

namespace millrace::bench {

const std::vector<Scenario>& AllScenarios() {
  static const auto* scenarios = new std::vector<Scenario>{
      {"main", "formulas A and B end to end, durable, beside the yardstick", RunMainJob},
      {"stages", "each stage of the data path alone", RunStages},
      {"latency", "one chunk in flight; chunks of one record", RunLatency},
      {"pipelines", "1, 100 and 10,000 open pipelines", RunPipelines},
      {"connections", "10,000 connections that say nothing, beside one that works", RunConnections},
      {"restart", "kill -9 with 1,000 unfinished jobs: time to the first new result", RunRestart},
      {"delete", "a job of 10^6 records deleted", RunDelete},
      {"drained", "a job of formula A on a server that is drained behind it (for ./tools/dev profile)", RunDrained,
       false},
      {"jobs", "lists and statistics over 100,000 jobs (about a minute)", RunJobs, false},
      {"scale", "10^5, 10^6 and 10^7 records: cost and memory (about a minute)", RunScale, false},
      {"crumbs", "10^6 chunks of one record: cost and memory (some minutes)", RunCrumbs, false},
  };
  return *scenarios;
}

}  // namespace millrace::bench
