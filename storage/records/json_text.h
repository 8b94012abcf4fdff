// JSON as text: strings, the fields of an object and the values of an array as they were written, and layout for people.
// Numbers are never converted, so what a service computed is shown and written digit for digit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simdjson.h"

namespace millrace::records {

/// Appends `text`, which must be UTF-8, as a JSON string with its quotes.
void AppendJsonString(std::string& out, std::string_view text);

/// `text` as a JSON string. Bytes that are not UTF-8 are replaced by U+FFFD.
std::string JsonString(std::string_view text);

/// True when `text` is valid UTF-8.
bool IsUtf8(std::string_view text);

/// `text` with each byte that is not UTF-8 replaced by U+FFFD.
std::string ToUtf8(std::string_view text);

/// A field of a JSON object where it stands in the text.
struct JsonField {
  /// Decoded.
  std::string_view key;
  simdjson::dom::element value;
  /// The value as it was written.
  std::string_view raw;
  /// Offsets of the field from the quote before its key to the end of its value.
  size_t begin = 0;
  size_t end = 0;
};

/// Splits JSON objects into their fields. Reuse one: it keeps its memory. Not thread-safe.
class JsonObjectScanner {
 public:
  /// True when `text` is one valid JSON object; `fields()` then has its fields in their order. The fields are valid
  /// until the next call and as long as `text`.
  bool Scan(std::string_view text);

  const std::vector<JsonField>& fields() const { return fields_; }

  /// True when `text` is one valid JSON object. Cheaper than Scan where nobody asks for fields; there are none afterwards.
  bool IsObject(std::string_view text);

 private:
  simdjson::dom::parser parser_;
  std::vector<JsonField> fields_;
};

/// True when `text` is one valid JSON array; `values` are then its values as they were written, in their order, valid as long
/// as `text`. What `values` held before is gone.
bool SplitJsonArray(std::string_view text, std::vector<std::string_view>& values);

/// True when `text` is one valid JSON value.
bool IsJson(std::string_view text);

/// Valid JSON on one line, without the blanks between its parts.
std::string MinifyJson(std::string_view json);

/// Valid JSON laid out over several lines with two spaces a level, ending without a line end.
std::string PrettyJson(std::string_view json);

}  // namespace millrace::records
