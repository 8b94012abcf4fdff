// Tables and lists of facts for people.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::cli {

/// Escape sequences around texts, or nothing where colour is not wanted.
class Style {
 public:
  explicit Style(bool coloured) : coloured_(coloured) {}

  std::string Bold(std::string_view text) const { return Wrap("1", text); }
  std::string Red(std::string_view text) const { return Wrap("31", text); }
  std::string Green(std::string_view text) const { return Wrap("32", text); }
  std::string Yellow(std::string_view text) const { return Wrap("33", text); }

 private:
  std::string Wrap(std::string_view code, std::string_view text) const;

  const bool coloured_;
};

/// Text for one line of a terminal: line ends and other control characters are shown as escapes, bytes that are not
/// UTF-8 as U+FFFD, so that data cannot steer the terminal.
std::string Printable(std::string_view text);

/// Columns of a terminal that a text takes, a code point each.
size_t DisplayWidth(std::string_view text);

enum class Align { kLeft, kRight };

struct TableColumn {
  std::string title;
  Align align = Align::kLeft;
};

/// Rows under a header, each column as wide as its widest cell.
class Table {
 public:
  explicit Table(std::vector<TableColumn> columns) : columns_(std::move(columns)) {}

  /// REQUIRES: one cell a column.
  void AddRow(std::vector<std::string> cells);

  bool empty() const { return rows_.empty(); }

  /// The table, each line ended, without trailing spaces.
  std::string Render(const Style& style) const;

 private:
  std::vector<TableColumn> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// `name  value` lines with the values aligned. Facts without a value are left out.
std::string RenderFacts(const std::vector<std::pair<std::string, std::string>>& facts, const Style& style);

}  // namespace millrace::cli
