#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace millrace::fuzz {
namespace {

constexpr std::string_view kWords[] = {R"(")",
                                       R"(\)",
                                       R"(\u0000)",
                                       "\n",
                                       "\r\n",
                                       ",",
                                       "{",
                                       "}",
                                       "[",
                                       "]",
                                       ":",
                                       "null",
                                       "true",
                                       "1e999",
                                       "-0",
                                       "&a",
                                       "*a",
                                       "<<: *a",
                                       "!!str",
                                       "---\n",
                                       "\xEF\xBB\xBF",
                                       "\xFF",
                                       "\xC3",
                                       std::string_view("\0", 1),
                                       "\x80\x80",
                                       "_reject_line",
                                       "inputs",
                                       "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",
                                       "9223372036854775808"};
constexpr size_t kBytesMax = 4'096;

}  // namespace

std::string Mutate(const std::vector<std::string>& seeds, std::mt19937_64& random) {
  const auto below = [&](size_t bound) { return static_cast<size_t>(random() % std::max<size_t>(bound, 1)); };
  std::string bytes = seeds[below(seeds.size())];
  for (size_t change = 0; change <= below(5); ++change) {
    const size_t at = below(bytes.size() + 1);
    switch (below(6)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes.erase(at, 1 + below(16));
        break;
      case 2:
        bytes.insert(at, bytes.substr(at, 1 + below(32)));
        break;
      case 3:
        bytes.insert(at, kWords[below(std::size(kWords))]);
        break;
      case 4:
        bytes.replace(at, std::min(bytes.size() - at, 1 + below(8)), kWords[below(std::size(kWords))]);
        break;
      default: {
        const std::string& other = seeds[below(seeds.size())];
        const size_t begin = below(other.size() + 1);
        bytes.insert(at, other.substr(begin, 1 + below(64)));
      }
    }
  }
  bytes.resize(std::min(bytes.size(), kBytesMax));
  return bytes;
}

}  // namespace millrace::fuzz
