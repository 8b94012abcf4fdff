#include "storage/model/exception.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/model/digest.h"

namespace millrace::model {
namespace {

constexpr std::string_view kQuoted = "'…'";

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsHexDigit(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); }

// Bytes of UTF-8 beyond ASCII count as letters.
bool IsWordCharacter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(byte) || byte >= 0x80;
}

bool WordAt(std::string_view text, size_t at) { return at < text.size() && IsWordCharacter(text[at]); }
bool DigitAt(std::string_view text, size_t at) { return at < text.size() && IsDigit(text[at]); }

// Where the quoted text that begins at `begin` ends, behind its closing quote; `begin` when there is none. An
// apostrophe inside a word (`can't`) neither opens nor closes one.
size_t QuotedEnd(std::string_view text, size_t begin) {
  const char quote = text[begin];
  if (quote != '\'' && quote != '"' && quote != '`') return begin;
  const bool apostrophe = quote == '\'';
  if (apostrophe && begin > 0 && IsWordCharacter(text[begin - 1])) return begin;
  for (size_t end = text.find(quote, begin + 1); end != std::string_view::npos; end = text.find(quote, end + 1)) {
    if (!apostrophe || !WordAt(text, end + 1)) return end + 1;
  }
  return begin;
}

// Where the number that begins at `begin` ends; `begin` when there is none: 12, 1.5, 1.2.3, 6e-07, 0x7f, -4.
size_t NumberEnd(std::string_view text, size_t begin) {
  size_t at = begin;
  const bool sign = text[at] == '-' || text[at] == '+';
  if (sign && !(at > 0 && IsWordCharacter(text[at - 1]))) ++at;
  if (!DigitAt(text, at)) return begin;

  if (text[at] == '0' && at + 2 < text.size() && (text[at + 1] | 0x20) == 'x' && IsHexDigit(text[at + 2])) {
    at += 2;
    while (at < text.size() && IsHexDigit(text[at])) ++at;
    return at;
  }
  while (DigitAt(text, at) || (at < text.size() && text[at] == '.' && DigitAt(text, at + 1))) ++at;
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    size_t exponent = at + 1;
    if (exponent < text.size() && (text[exponent] == '-' || text[exponent] == '+')) ++exponent;
    if (DigitAt(text, exponent)) {
      while (DigitAt(text, exponent)) ++exponent;
      if (!WordAt(text, exponent)) at = exponent;
    }
  }
  return at;
}

}  // namespace

std::string ExceptionId(int64_t sequence, int32_t index) { return absl::StrCat(sequence, "-", index); }

std::optional<RecordPlace> ParseExceptionId(std::string_view id) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(std::string(id), absl::MaxSplits('-', 1));
  RecordPlace place;
  if (!absl::SimpleAtoi(parts.first, &place.sequence) || !absl::SimpleAtoi(parts.second, &place.index)) {
    return std::nullopt;
  }
  // One text a place: no signs, spaces or leading zeros.
  if (ExceptionId(place.sequence, place.index) != id) return std::nullopt;
  return place;
}

std::vector<RecordRun> RunsOf(const std::vector<RecordPlace>& places) {
  std::vector<RecordRun> runs;
  for (const RecordPlace& place : places) {
    const bool goes_on =
        !runs.empty() && runs.back().sequence == place.sequence && runs.back().first + runs.back().count == place.index;
    if (goes_on) {
      runs.back().count += 1;
    } else {
      runs.push_back({place.sequence, place.index, 1});
    }
  }
  return runs;
}

int64_t CountOf(const std::vector<RecordRun>& runs) {
  int64_t count = 0;
  for (const RecordRun& run : runs) count += run.count;
  return count;
}

std::string_view ExceptionStateName(ExceptionState state) {
  switch (state) {
    case ExceptionState::kUnresolved:
      return "UNRESOLVED";
    case ExceptionState::kReprocessing:
      return "REPROCESSING";
    case ExceptionState::kResolved:
      return "RESOLVED";
    case ExceptionState::kDiscarded:
      return "DISCARDED";
    case ExceptionState::kReplaced:
      return "REPLACED";
  }
  return "UNKNOWN";
}

bool IsSettled(ExceptionState state) {
  return state == ExceptionState::kResolved || state == ExceptionState::kDiscarded ||
         state == ExceptionState::kReplaced;
}

std::string NormaliseMessage(std::string_view message) {
  std::string normal;
  normal.reserve(message.size());
  for (size_t at = 0; at < message.size();) {
    if (const size_t end = QuotedEnd(message, at); end > at) {
      normal += kQuoted;
      at = end;
    } else if (const size_t number_end = NumberEnd(message, at); number_end > at) {
      normal += '#';
      at = number_end;
    } else {
      normal += message[at++];
    }
  }
  return normal;
}

std::string Fingerprint(std::string_view node, std::string_view code, std::string_view normalised_message,
                        std::string_view config_hash) {
  return Digest64({node, code, normalised_message, config_hash});
}

}  // namespace millrace::model
