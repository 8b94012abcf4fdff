#include "storage/records/json_text.h"

namespace millrace::records {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

size_t SkipSpace(std::string_view text, size_t at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
  return at;
}

/// The end of the string that begins at `at`. The text is valid JSON.
size_t SkipString(std::string_view text, size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

/// The end of the value that begins at `at`. The text is valid JSON.
size_t SkipValue(std::string_view text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = SkipString(text, at);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;  // the end of the object around a number or a word
      --depth;
      ++at;
    } else if (depth == 0 && (c == ',' || IsSpace(c))) {
      return at;
    } else {
      ++at;
      continue;  // within a number or a word, or between things of a deeper level
    }
    if (depth == 0) return at;
  }
  return at;
}

/// Length of the valid UTF-8 sequence that `text` begins with, or 0.
size_t Utf8SequenceLength(std::string_view text) {
  for (size_t length = 1; length <= 4 && length <= text.size(); ++length) {
    if (IsUtf8(text.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  size_t plain = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(plain, i - plain));
    plain = i + 1;
    out.push_back('\\');
    switch (c) {
      case '"':
      case '\\':
        out.push_back(static_cast<char>(c));
        break;
      case '\n':
        out.push_back('n');
        break;
      case '\r':
        out.push_back('r');
        break;
      case '\t':
        out.push_back('t');
        break;
      default:
        out.append("u00");
        out.push_back(kHex[c >> 4]);
        out.push_back(kHex[c & 15]);
    }
  }
  out.append(text.substr(plain));
  out.push_back('"');
}

std::string JsonString(std::string_view text) {
  std::string out;
  AppendJsonString(out, ToUtf8(text));
  return out;
}

bool IsUtf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::string ToUtf8(std::string_view text) {
  if (IsUtf8(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    out.append(length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

bool JsonObjectScanner::Scan(std::string_view text) {
  fields_.clear();
  simdjson::dom::object object;
  if (parser_.parse(text.data(), text.size()).get_object().get(object) != simdjson::SUCCESS) return false;
  size_t at = SkipSpace(text, 0) + 1;  // behind the brace
  for (const auto [key, value] : object) {
    at = SkipSpace(text, at);
    if (text[at] == ',') at = SkipSpace(text, at + 1);
    JsonField field{.key = key, .value = value, .raw = {}, .begin = at};
    at = SkipSpace(text, SkipString(text, at));
    at = SkipSpace(text, at + 1);  // behind the colon
    field.end = SkipValue(text, at);
    field.raw = text.substr(at, field.end - at);
    at = field.end;
    fields_.push_back(field);
  }
  return true;
}

bool JsonObjectScanner::IsObject(std::string_view text) {
  fields_.clear();
  return parser_.parse(text.data(), text.size()).get_object().error() == simdjson::SUCCESS;
}

bool SplitJsonArray(std::string_view text, std::vector<std::string_view>& values) {
  values.clear();
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (parser.parse(text.data(), text.size()).get_array().get(array) != simdjson::SUCCESS) return false;
  size_t at = SkipSpace(text, SkipSpace(text, 0) + 1);  // behind the bracket
  while (text[at] != ']') {
    const size_t end = SkipValue(text, at);
    values.push_back(text.substr(at, end - at));
    at = SkipSpace(text, end);
    if (text[at] == ',') at = SkipSpace(text, at + 1);
  }
  return true;
}

bool IsJson(std::string_view text) {
  simdjson::dom::parser parser;
  return parser.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
}

std::string MinifyJson(std::string_view json) {
  std::string out;
  for (size_t at = 0; at < json.size();) {
    const size_t end = json[at] == '"' ? SkipString(json, at) : at + 1;
    if (!IsSpace(json[at])) out.append(json.substr(at, end - at));
    at = end;
  }
  return out;
}

std::string PrettyJson(std::string_view json) {
  std::string out;
  size_t depth = 0;
  const auto new_line = [&] { out.append("\n").append(2 * depth, ' '); };
  for (size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (IsSpace(c)) {
      ++at;
    } else if (c == '"') {
      const size_t end = SkipString(json, at);
      out.append(json.substr(at, end - at));
      at = end;
    } else if (c == '{' || c == '[') {
      out.push_back(c);
      at = SkipSpace(json, at + 1);
      if (json[at] == '}' || json[at] == ']') {
        out.push_back(json[at++]);
      } else {
        ++depth;
        new_line();
      }
    } else if (c == '}' || c == ']') {
      --depth;
      new_line();
      out.push_back(c);
      ++at;
    } else if (c == ',') {
      out.push_back(c);
      new_line();
      ++at;
    } else if (c == ':') {
      out.append(": ");
      ++at;
    } else {
      out.push_back(c);
      ++at;
    }
  }
  return out;
}

}  // namespace millrace::records
