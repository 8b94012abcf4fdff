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

/// Formula B: branches, a loop, a text put together, and an output that only some records have.
extern const char kFormulaB[];

/// The names they are created under.
inline constexpr char kServiceA[] = "bench/formula-a";
inline constexpr char kServiceB[] = "bench/formula-b";

/// `count` chunks of 300 records of about 90 bytes with five fields each, as JSON Lines. The same every time.
std::vector<std::string> MakeChunks(int count);

/// The same records, `records_per_chunk` to a chunk.
std::vector<std::string> MakeChunks(int count, int records_per_chunk);

/// The sum of formula A over `count` chunks, taken in turn, from their text: what the server must arrive at.
double ExpectedTotal(const std::vector<std::string>& chunks, int64_t count);

}  // namespace millrace::bench
