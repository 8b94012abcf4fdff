#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace millrace::fuzz {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array kWords = {"\""sv,
                               "\\"sv,
                               "\\u0000"sv,
                               "\n"sv,
                               "\r\n"sv,
                               ","sv,
                               "{"sv,
                               "}"sv,
                               "["sv,
                               "]"sv,
                               ":"sv,
                               "null"sv,
                               "true"sv,
                               "1e999"sv,
                               "-0"sv,
                               "&a"sv,
                               "*a"sv,
                               "<<: *a"sv,
                               "!!str"sv,
                               "---\n"sv,
                               "\xEF\xBB\xBF"sv,
                               "\xFF"sv,
                               "\xC3"sv,
                               "\0"sv,
                               "\x80\x80"sv,
                               "_reject_line"sv,
                               "inputs"sv,
                               "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"sv,
                               "9223372036854775808"sv};
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
        bytes.insert(at, kWords[below(kWords.size())]);
        break;
      case 4:
        bytes.replace(at, std::min(bytes.size() - at, 1 + below(8)), kWords[below(kWords.size())]);
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
