// One target under libFuzzer; which one, the build says.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const millrace::fuzz::Target* const target = [] {
    for (const millrace::fuzz::Target& candidate : millrace::fuzz::Targets()) {
      if (std::strcmp(candidate.name, MILLRACE_FUZZ_TARGET) == 0) return &candidate;
    }
    std::abort();
  }();
  const std::string fault = target->run({reinterpret_cast<const char*>(data), size});
  if (fault.empty()) return 0;
  std::fprintf(stderr, "%s: %s\n", MILLRACE_FUZZ_TARGET, fault.c_str());
  std::abort();
}
