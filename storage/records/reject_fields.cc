#include "storage/records/reject_fields.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "storage/records/record_reader.h"

namespace millrace::records {
namespace {

constexpr std::string_view kRawField = "_reject_raw";
constexpr std::string_view kRawBase64Field = "_reject_raw_base64";

void AppendField(std::string& out, std::string_view key, std::string_view value) {
  AppendJsonString(out, key);
  out.push_back(':');
  out.append(JsonString(value));
}

std::string ReasonFields(const RejectReason& reason) {
  std::string fields;
  AppendField(fields, "_reject_code", reason.code);
  fields.push_back(',');
  AppendField(fields, "_reject_node", reason.node);
  fields.push_back(',');
  AppendField(fields, "_reject_message", reason.message);
  return fields;
}

bool IsRejectField(const JsonField& field) { return field.key.starts_with(kRejectPrefix); }

/// The line that the fields carry, if they carry one.
std::optional<std::string> RawLine(const std::vector<JsonField>& fields) {
  for (const JsonField& field : fields) {
    std::string_view text;
    if (field.value.get_string().get(text) != simdjson::SUCCESS) continue;
    std::string line;
    if (field.key == kRawField) {
      line = text;
    } else if (field.key != kRawBase64Field || !absl::Base64Unescape(std::string(text), &line)) {
      continue;
    }
    // Whoever mends a raw line may wrap it; to JSON a line end is a space.
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
  }
  return std::nullopt;
}

}  // namespace

std::string RejectFields::Add(std::string_view line, const RejectReason& reason) {
  if (scanner_.Scan(line)) {
    const std::vector<JsonField>& fields = scanner_.fields();
    const size_t at = fields.empty() ? line.find('{') + 1 : fields.back().end;
    std::string out(line.substr(0, at));
    if (!fields.empty()) out.push_back(',');
    return out.append(ReasonFields(reason)).append(line.substr(at));
  }
  std::string out = "{";
  if (IsUtf8(line)) {
    AppendField(out, kRawField, line);
  } else {
    AppendField(out, kRawBase64Field, absl::Base64Escape(std::string(line)));
  }
  return out.append(",").append(ReasonFields(reason)).append("}");
}

std::string RejectFields::Cut(std::string line) {
  // Nearly all lines carry no such field and are not parsed at all.
  if (line.find("\"_reject_") == std::string::npos || !scanner_.Scan(line)) return line;
  const std::vector<JsonField>& fields = scanner_.fields();
  if (std::none_of(fields.begin(), fields.end(), IsRejectField)) return line;
  if (std::all_of(fields.begin(), fields.end(), IsRejectField)) {
    if (auto raw = RawLine(fields)) return *std::move(raw);
  }
  const std::string_view text = line;
  std::string out(text.substr(0, fields.front().begin));
  const JsonField* kept = nullptr;
  for (const JsonField& field : fields) {
    if (IsRejectField(field)) continue;
    if (kept != nullptr) {
      // Neighbours keep the bytes between them.
      out.append(&field == kept + 1 ? text.substr(kept->end, field.begin - kept->end) : std::string_view(","));
    }
    out.append(text.substr(field.begin, field.end - field.begin));
    kept = &field;
  }
  return out.append(text.substr(fields.back().end));
}

}  // namespace millrace::records
