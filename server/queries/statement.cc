#include "server/queries/statement.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "server/queries/query_rows.h"

namespace millrace::queries {
namespace {

constexpr std::array<std::string_view, 3> kReadingWords = {"SELECT", "WITH", "VALUES"};

enum class Brackets { kSkip, kStop };

/// Behind the blanks and comments that begin at `at`.
size_t SkipComments(std::string_view text, size_t at, Brackets brackets) {
  while (at < text.size()) {
    if (absl::ascii_isspace(static_cast<unsigned char>(text[at])) || (text[at] == '(' && brackets == Brackets::kSkip)) {
      ++at;
    } else if (text.substr(at, 2) == "--") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      const size_t end = text.find("*/", at + 2);
      at = end == std::string_view::npos ? text.size() : end + 2;
    } else {
      break;
    }
  }
  return at;
}

/// The query without the semicolon that may end it, and the comments behind that.
std::string WithoutEnd(const std::string& text) {
  for (size_t at = text.find(';'); at != std::string::npos; at = text.find(';', at + 1)) {
    // One that ends nothing has something behind it; a second statement is refused by the database.
    if (SkipComments(text, at + 1, Brackets::kStop) == text.size()) return text.substr(0, at);
  }
  return text;
}

std::vector<std::string> Columns(const Query& query) {
  std::vector<std::string> columns;
  for (const std::string& key : query.key_columns) {
    // With the name of the table: SQLite takes a quoted name that is no column for a text.
    columns.push_back(absl::StrCat("source.\"", absl::StrReplaceAll(key, {{"\"", "\"\""}}), "\""));
  }
  return columns;
}

/// The key columns compared with $1 and so on.
std::string Where(const Query& query, std::string_view comparison) {
  std::vector<std::string> values;
  for (size_t i = 1; i <= query.key_columns.size(); ++i) values.push_back(absl::StrCat("$", i));
  return absl::StrCat(" WHERE (", absl::StrJoin(Columns(query), ", "), ") ", std::string(comparison), " (",
                      absl::StrJoin(values, ", "), ")");
}

/// The query as a table. The last line of the query may be a comment.
std::string From(const Query& query) { return absl::StrCat(" FROM (\n", WithoutEnd(query.text), "\n) AS source"); }

}  // namespace

absl::Status CheckFirstWord(std::string_view text) {
  const std::string_view rest = text.substr(SkipComments(text, 0, Brackets::kSkip));
  const auto* end = std::find_if_not(rest.begin(), rest.end(), [](char c) { return absl::ascii_isalpha(c); });
  const std::string word = absl::AsciiStrToUpper(std::string(rest.begin(), end));
  if (std::find(kReadingWords.begin(), kReadingWords.end(), word) != kReadingWords.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected one statement that begins with SELECT, WITH or VALUES, got ",
                                                 word.empty() ? "none" : absl::StrCat("'", word, "'"),
                                                 "; queries only read"));
}

std::string ReadingStatement(const Query& query, bool behind_key) {
  return absl::StrCat("SELECT *", From(query), behind_key ? Where(query, ">") : "", " ORDER BY ",
                      absl::StrJoin(Columns(query), ", "));
}

std::string KeyCountStatement(const Query& query) {
  return absl::StrCat("SELECT count(*)", From(query), Where(query, "="));
}

std::string NullKeysStatement(const Query& query) {
  return absl::StrCat("SELECT 1", From(query), " WHERE ", absl::StrJoin(Columns(query), " IS NULL OR "),
                      " IS NULL LIMIT 1");
}

}  // namespace millrace::queries
