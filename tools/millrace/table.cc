#include "tools/millrace/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/records/json_text.h"

namespace millrace::cli {
namespace {

constexpr size_t kGap = 2;

std::string Padded(const std::string& text, size_t width, Align align) {
  const std::string padding(width - std::min(width, DisplayWidth(text)), ' ');
  return align == Align::kLeft ? text + padding : padding + text;
}

}  // namespace

std::string Style::Wrap(std::string_view code, std::string_view text) const {
  if (!coloured_) return std::string(text);
  return absl::StrCat("\x1b[", std::string(code), "m", std::string(text), "\x1b[0m");
}

std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : records::ToUtf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out.append("\\n");
    } else if (byte < 0x20 || byte == 0x7f) {
      out.append(absl::StrFormat("\\x%02x", byte));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void Table::AddRow(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = cell.empty() ? "-" : Printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::Render(const Style& style) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = DisplayWidth(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[i]));
    widths.push_back(width);
  }
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) text.append(kGap, ' ');
      text.append(Padded(cell_of(i), widths[i], columns_[i].align));
    }
    text.resize(text.find_last_not_of(' ') + 1);
    return text;
  };
  std::string out = style.Bold(line([&](size_t i) { return columns_[i].title; })) + "\n";
  for (const auto& row : rows_) {
    absl::StrAppend(&out, line([&](size_t i) { return row[i]; }), "\n");
  }
  return out;
}

std::string RenderFacts(const std::vector<std::pair<std::string, std::string>>& facts, const Style& style) {
  size_t width = 0;
  for (const auto& [name, value] : facts) {
    if (!value.empty()) width = std::max(width, DisplayWidth(name));
  }
  std::string out;
  for (const auto& [name, value] : facts) {
    if (value.empty()) continue;
    absl::StrAppend(&out, style.Bold(Padded(name, width, Align::kLeft)), std::string(kGap, ' '), Printable(value),
                    "\n");
  }
  return out;
}

}  // namespace millrace::cli
