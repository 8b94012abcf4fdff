#include "tests/fuzz/targets.h"

#include "tests/fuzz/fuzz_targets.h"

namespace millrace::fuzz {

const std::vector<Target>& Targets() {
  static const auto& targets = *new std::vector<Target>{
      {"keys", Keys},
      {"rows", Rows},
      {"payloads", Payloads},
      {"page_tokens", PageTokens},
      {"service_definitions", ServiceDefinitions},
      {"records", RunRecords},
      {"json_values", JsonValues},
      {"csv", Csv},
      {"json_lines", JsonLines},
  };
  return targets;
}

}  // namespace millrace::fuzz
