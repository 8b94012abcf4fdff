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

const char kFormulaB[] = R"yaml(
service: bench/formula-b
version: 1.0.0
inputs:
  id: {type: string}
  value: {type: number}
  qty: {type: number}
  region: {type: string}
  note: {type: string}
nodes:
  total:
    lua: |
      local k = 1 + params.rate
      if region == 'EMEA' then k = k * 1.2 elseif qty > 50 then k = k * 0.9 end
      local t = 0
      for i = 1, 5 do t = t + value * k / i end
      return t * qty
  tag: {lua: "region .. ':' .. id"}
  long: {lua: "1", when: "#note > 20"}
outputs: ["*", total, tag, long]
)yaml";

std::vector<std::string> MakeChunks(int count) { return MakeChunks(count, kChunkRecords); }

std::vector<std::string> MakeChunks(int count, int records_per_chunk) {
  constexpr std::array<const char*, 5> kRegions = {"EMEA", "AMER", "APAC", "LATAM", "NORD"};
  constexpr std::array<const char*, 8> kWords = {"pending", "review",  "customer", "order",
                                                 "late",    "invoice", "check",    "approved"};
  std::mt19937_64 random(1);
  const auto pick = [&random](const auto& words) { return words[random() % words.size()]; };
  std::vector<std::string> chunks;
  int number = 0;
  for (int chunk = 0; chunk < count; ++chunk) {
    std::string lines;
    for (int record = 0; record < records_per_chunk; ++record) {
      absl::StrAppendFormat(&lines, R"({"id":"c-%06d","value":%.2f,"qty":%d,"region":"%s","note":"%s %s %s"})",
                            number++, static_cast<double>(random() % 1'000'000) / 100, static_cast<int>(random() % 100),
                            pick(kRegions), pick(kWords), pick(kWords), pick(kWords));
      lines.push_back('\n');
    }
    chunks.push_back(std::move(lines));
  }
  return chunks;
}

double ExpectedTotal(const std::vector<std::string>& chunks, int64_t count) {
  std::vector<double> totals;
  for (const std::string& chunk : chunks) {
    double total = 0;
    size_t at = 0;
    while ((at = chunk.find("\"value\":", at)) != std::string::npos) {
      const double value = std::stod(chunk.substr(at + 8, 16));
      at = chunk.find("\"qty\":", at);
      total += value * std::stod(chunk.substr(at + 6, 8)) * 1.25;
    }
    totals.push_back(total);
  }
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += totals[static_cast<size_t>(i) % totals.size()];
  return sum;
}

}  // namespace millrace::bench
