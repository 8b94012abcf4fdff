#include "tools/crash/ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace::crash {
namespace {

std::string ReadWholeLines(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(stream)), {});
  text.resize(text.rfind('\n') + 1);  // npos + 1 is 0.
  return text;
}

}  // namespace

std::vector<Fact> ReadLedger(const std::filesystem::path& file) {
  std::vector<Fact> facts;
  const std::string text = ReadWholeLines(file);
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    Fact fact{.what = words.front(), .numbers = {}, .text = ""};
    if (fact.what == "broken") {
      fact.text = line.substr(fact.what.size() + 1);
    } else {
      for (size_t i = 1; i < words.size(); ++i) {
        uint64_t number = 0;
        if (!absl::SimpleAtoi(words[i], &number)) std::abort();  // Nobody else writes here.
        fact.numbers.push_back(number);
      }
    }
    facts.push_back(std::move(fact));
  }
  return facts;
}

absl::StatusOr<Ledger> Ledger::Open(const std::filesystem::path& file, int progress_fd) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, file.string());
  if (ftruncate(fd, static_cast<off_t>(ReadWholeLines(file).size())) != 0) {
    return absl::ErrnoToStatus(errno, file.string());
  }
  return Ledger(fd, progress_fd);
}

void Ledger::Add(const std::string& line) const {
  const std::string whole = line + "\n";
  if (write(fd_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) {
    std::perror("ledger");
    std::abort();
  }
  // Only says that something happened; where the pipe is full, enough has.
  if (progress_fd_ >= 0) [[maybe_unused]]
    const ssize_t ignored = write(progress_fd_, ".", 1);
}

}  // namespace millrace::crash
