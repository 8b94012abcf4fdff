#include "server/execution/text.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";
constexpr size_t kQuoteBytesMax = 64;

// Bytes of the UTF-8 character that `text` begins with; 0 when it begins with none.
size_t CharacterBytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies behind U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
  return bytes;
}

}  // namespace

std::string CleanText(std::string_view text, size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    const std::string_view piece = bytes == 0 ? kReplacement : text.substr(0, bytes);
    if (clean.size() + piece.size() > bytes_max) break;
    clean.append(piece);
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return clean;
}

std::string Quote(std::string_view text) {
  std::string quoted = "'";
  quoted.append(CleanText(text, kQuoteBytesMax));
  if (text.size() > kQuoteBytesMax) quoted.append(kEllipsis);
  quoted.push_back('\'');
  return quoted;
}

std::string OutputsTooLargeMessage() {
  return absl::StrCat("the outputs of the chunk exceed ", model::kChunkBytesMax / (1024 * 1024),
                      " MiB; push smaller chunks");
}

}  // namespace millrace::execution
