#include "tools/bench/yardstick.h"

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/bench/figures.h"
#include "tools/harness/program.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::bench {
namespace {

/// The number behind `label` in `line`; 0 where there is none.
double NumberBehind(const std::string& line, const std::string& label) {
  const size_t at = line.find(label);
  return at == std::string::npos ? 0 : std::strtod(line.c_str() + at + label.size(), nullptr);
}

}  // namespace

absl::StatusOr<YardstickReport> RunYardstick(const std::filesystem::path& binary, char formula, int64_t chunks,
                                             int window) {
  // It writes its data where it stands.
  const harness::TemporaryFolder folder;
  const std::string in_folder = absl::StrCat("cd '", folder.path().string(), "' && exec '",
                                             std::filesystem::absolute(binary).string(), "' \"$@\"");
  const auto command = [&](std::vector<std::string> arguments) {
    std::vector<std::string> words = {"sh", "-c", in_folder, "yardstick"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  };
  const std::filesystem::path printed = folder.path() / "client.log";
  auto server = harness::Program::Start(command({"server", "lz4", std::string(1, formula), "1", "1"}),
                                        {folder.path() / "server.log", folder.path() / "server.err"});
  if (!server.ok()) return server.status();
  auto client = harness::Program::Start(
      command({"client", absl::StrCat(chunks), absl::StrCat(window), absl::StrCat((*server)->pid())}),
      {printed, folder.path() / "client.err"});
  if (!client.ok()) return client.status();
  const int code = (*client)->Wait();
  (*server)->End(SIGKILL);
  if (code != 0) return absl::InternalError(absl::StrCat(binary.string(), " ended with ", code));

  std::ifstream file(printed);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  std::vector<double> rates;
  std::vector<double> p50;
  std::vector<double> p99;
  for (const std::string& line : lines) {
    if (line.find("END-TO-END") == std::string::npos) continue;
    rates.push_back(NumberBehind(line, "END-TO-END "));
    p50.push_back(NumberBehind(line, "p50="));
    p99.push_back(NumberBehind(line, "p99="));
  }
  if (rates.empty()) return absl::InternalError(absl::StrCat(binary.string(), " printed no figure"));
  return YardstickReport{Percentile(rates, 0.5), Percentile(p50, 0.5), Percentile(p99, 0.5)};
}

}  // namespace millrace::bench
