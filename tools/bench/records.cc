#include "tools/bench/records.h"

#include <array>
#include <random>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace millrace::bench {

const char kFormulaA[] = R"yaml(
service: bench/formula-a
version: 1.0.0
inputs:
  value: {type: number}
  qty: {type: number}
nodes:
  total: {lua: "value * qty * (1 + params.rate)"}
outputs: ["*", total]
)yaml";

std::vector<std::string> MakeChunks(int count) {
  constexpr std::array<const char*, 5> kRegions = {"EMEA", "AMER", "APAC", "LATAM", "NORD"};
  constexpr std::array<const char*, 8> kWords = {"pending", "review",  "customer", "order",
                                                 "late",    "invoice", "check",    "approved"};
  std::mt19937_64 random(1);
  const auto pick = [&random](const auto& words) { return words[random() % words.size()]; };
  std::vector<std::string> chunks;
  int number = 0;
  for (int chunk = 0; chunk < count; ++chunk) {
    std::string lines;
    for (int record = 0; record < kChunkRecords; ++record) {
      absl::StrAppendFormat(&lines, R"({"id":"c-%06d","value":%.2f,"qty":%d,"region":"%s","note":"%s %s %s"})",
                            number++, static_cast<double>(random() % 1'000'000) / 100, static_cast<int>(random() % 100),
                            pick(kRegions), pick(kWords), pick(kWords), pick(kWords));
      lines.push_back('\n');
    }
    chunks.push_back(std::move(lines));
  }
  return chunks;
}

}  // namespace millrace::bench
