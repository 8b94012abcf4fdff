// The simulation for as long as one likes: millrace_simulate [--seed S] [--steps N] [--minutes N]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "storage/model/clock.h"
#include "tests/simulation/world/world.h"

int main(int argc, char** argv) {
  std::random_device device;
  std::map<std::string, uint64_t> flags = {{"--seed", device()}, {"--steps", 0}, {"--minutes", 0}};
  for (int i = 1; i < argc; i += 2) {
    const auto flag = flags.find(argv[i]);
    if (flag == flags.end() || i + 1 == argc || !absl::SimpleAtoi(argv[i + 1], &flag->second)) {
      std::fprintf(stderr, "millrace_simulate takes --seed S, --steps N and --minutes N, not '%s'\n", argv[i]);
      return 2;
    }
  }
  const uint64_t minutes = flags["--minutes"];
  int64_t steps = static_cast<int64_t>(flags["--steps"]);
  if (steps == 0) steps = minutes == 0 ? 1'000'000 : std::numeric_limits<int64_t>::max();
  const auto* clock = millrace::model::SystemClock::Get();
  const int64_t begin = clock->SteadyNanos();
  const auto seconds = [&] { return static_cast<double>(clock->SteadyNanos() - begin) * 1e-9; };

  std::printf("seed %ju\n", static_cast<uintmax_t>(flags["--seed"]));
  std::fflush(stdout);
  const auto report = millrace::simulation::RunWorlds(
      flags["--seed"], steps, [&] { return minutes == 0 || seconds() < 60.0 * static_cast<double>(minutes); });
  const millrace::simulation::Tally& tally = report.tally;
  std::printf(
      "%jd steps, %jd crashes (%.0f a second), %jd records acknowledged, %jd skipped, %jd chunks committed, "
      "%jd late commits refused, %jd pushes repeated, %jd jobs failed, %jd closed as idle, %jd grants contested, "
      "%jd shares compared\n",
      static_cast<intmax_t>(tally.steps), static_cast<intmax_t>(tally.crashes),
      static_cast<double>(tally.crashes) / seconds(), static_cast<intmax_t>(tally.records),
      static_cast<intmax_t>(tally.skipped), static_cast<intmax_t>(tally.commits),
      static_cast<intmax_t>(tally.stale_refused), static_cast<intmax_t>(tally.duplicates),
      static_cast<intmax_t>(tally.failed_jobs), static_cast<intmax_t>(tally.closed_idle),
      static_cast<intmax_t>(tally.contested), static_cast<intmax_t>(tally.shares_compared));
  if (report.fault.empty()) return EXIT_SUCCESS;
  std::printf("%s\nagain with: ./tools/dev simulate --seed S --steps 2000, S being the seed of that world\n",
              report.fault.c_str());
  return EXIT_FAILURE;
}
