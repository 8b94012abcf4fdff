// Bytes made of other bytes, the same ones for the same seed.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace millrace::fuzz {

/// One of the seeds with some bytes flipped, dropped, doubled, overwritten by words that readers know, or taken from
/// another seed. REQUIRES: `seeds` is not empty.
std::string Mutate(const std::vector<std::string>& seeds, std::mt19937_64& random);

}  // namespace millrace::fuzz
