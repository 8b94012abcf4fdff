// The records and the service that benchmarks run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::bench {

/// Records in each chunk.
inline constexpr int kChunkRecords = 300;

/// Formula A of the yardstick as a service: one node over two inputs and a parameter; results carry the whole record
/// and the total.
extern const char kFormulaA[];

/// `count` chunks of 300 records of about 90 bytes with five fields each, as JSON Lines. The same every time.
std::vector<std::string> MakeChunks(int count);

}  // namespace millrace::bench
