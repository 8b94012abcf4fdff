// What takes bytes from outside, each as a function that must survive any.
//
// The same targets run twice: over their corpus and a fixed number of mutations in every test run, and under libFuzzer for
// as long as one likes (`./tools/dev fuzz`).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::fuzz {

struct Target {
  /// Also the folder of its corpus.
  const char* name;
  /// Returns what is wrong: a promise that does not hold for these bytes. Empty: nothing. A crash speaks for itself.
  std::string (*run)(std::string_view bytes);
};

const std::vector<Target>& Targets();

}  // namespace millrace::fuzz
