#include "server/queries/query_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/queries/statement.h"
#include "storage/model/limits.h"
#include "storage/records/json_text.h"

namespace millrace::queries {
namespace {

/// A session, and what the query has in it.
struct DescribedQuery {
  std::unique_ptr<Session> session;
  std::vector<std::string> columns;
};

absl::Status CheckColumns(const std::vector<std::string>& columns, const Query& query) {
  if (columns.empty()) return absl::InvalidArgumentError("the query has no columns");
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!records::IsUtf8(columns[i])) return absl::InvalidArgumentError("the name of a column is not UTF-8");
    if (std::find(columns.begin(), columns.begin() + static_cast<ptrdiff_t>(i), columns[i]) !=
        columns.begin() + static_cast<ptrdiff_t>(i)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the query has two columns '", columns[i], "'; give one another name with AS"));
    }
  }
  for (const std::string& key : query.key_columns) {
    if (std::find(columns.begin(), columns.end(), key) == columns.end()) {
      return absl::NotFoundError(
          absl::StrCat("the query has no column '", key, "'; it has ", absl::StrJoin(columns, ", ")));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<DescribedQuery> Describe(const Connection& connection, const Query& query, const model::Clock& clock,
                                        std::stop_token stop) {
  if (absl::Status status = CheckFirstWord(query.text); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Session>> session = connection.database == Database::kSqlite
                                                         ? OpenSqlite(connection, clock, std::move(stop))
                                                         : OpenPostgres(connection, std::move(stop));
  if (!session.ok()) return session.status();
  absl::StatusOr<std::vector<std::string>> columns = (*session)->Describe(query.text);
  if (!columns.ok()) return columns.status();
  if (absl::Status status = CheckColumns(*columns, query); !status.ok()) return status;
  return DescribedQuery{*std::move(session), *std::move(columns)};
}

/// PostgreSQL sorts nulls behind all values, where no comparison with a key finds them.
absl::Status CheckNoNullKeys(Session& session, const Query& query) {
  const absl::StatusOr<std::unique_ptr<Cursor>> cursor = session.Run(NullKeysStatement(query), {});
  if (!cursor.ok()) return cursor.status();
  const absl::StatusOr<bool> found = (*cursor)->Step();
  if (!found.ok()) return found.status();
  if (!*found) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("a row has no value in a key column (",
                                                    absl::StrJoin(query.key_columns, ", "),
                                                    "): such rows cannot be told apart"));
}

absl::Status NotUnique(const std::vector<std::string>& key, const std::vector<std::string>& columns) {
  return absl::FailedPreconditionError(absl::StrCat("two rows have the key (", QueryRows::KeyText(key), ") in ",
                                                    absl::StrJoin(columns, ", "),
                                                    ": the key columns must name each row"));
}

/// Letters may be the same in either case to a database, and 1.0 be 1.00: of such rows, reading on behind one would leave
/// out or repeat the other.
absl::Status CheckNamesOneRow(Session& session, const Query& query, const std::vector<std::string>& key) {
  const absl::StatusOr<std::unique_ptr<Cursor>> cursor = session.Run(KeyCountStatement(query), key);
  if (!cursor.ok()) return cursor.status();
  const absl::StatusOr<bool> found = (*cursor)->Step();
  if (!found.ok()) return found.status();
  int64_t count = 0;
  if (!*found || !absl::SimpleAtoi(std::string((*cursor)->At(0).text), &count)) {
    return absl::InternalError("the database does not say how many rows have a key");
  }
  if (count > 1) return NotUnique(key, query.key_columns);
  // To the end: the session is to run another statement.
  return (*cursor)->Step().status();
}

/// False where the value is a text that is not UTF-8.
bool AppendValue(const Value& value, std::string& json) {
  switch (value.kind) {
    case Value::Kind::kNull:
      json.append("null");
      return true;
    case Value::Kind::kLiteral:
      json.append(value.text);
      return true;
    case Value::Kind::kText:
      records::AppendJsonString(json, value.text);
      return records::IsUtf8(value.text);
    case Value::Kind::kBytes:
      records::AppendJsonString(json, absl::Base64Escape(std::string(value.text)));
      return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<QueryRows>> QueryRows::Open(const Connection& connection, const Query& query,
                                                           const std::vector<std::string>& after,
                                                           const model::Clock& clock, std::stop_token stop) {
  absl::StatusOr<DescribedQuery> described = Describe(connection, query, clock, std::move(stop));
  if (!described.ok()) return described.status();
  const absl::Status keys =
      after.empty() ? CheckNoNullKeys(*described->session, query) : CheckNamesOneRow(*described->session, query, after);
  if (!keys.ok()) return keys;
  absl::StatusOr<std::unique_ptr<Cursor>> cursor =
      described->session->Run(ReadingStatement(query, !after.empty()), after);
  if (!cursor.ok()) return cursor.status();
  return std::unique_ptr<QueryRows>(
      new QueryRows(std::move(described->session), *std::move(cursor), described->columns, query, after));
}

QueryRows::QueryRows(std::unique_ptr<Session> session, std::unique_ptr<Cursor> cursor,
                     const std::vector<std::string>& columns, const Query& query, std::vector<std::string> after)
    : session_(std::move(session)),
      cursor_(std::move(cursor)),
      key_columns_(query.key_columns),
      last_key_(std::move(after)) {
  for (const std::string& column : columns) {
    std::string& field = fields_.emplace_back(fields_.empty() ? "{" : ",");
    records::AppendJsonString(field, column);
    field.push_back(':');
  }
  for (const std::string& key : query.key_columns) {
    key_places_.push_back(static_cast<size_t>(std::find(columns.begin(), columns.end(), key) - columns.begin()));
  }
}

absl::StatusOr<bool> QueryRows::Next(QueryRow& row) {
  const absl::StatusOr<bool> found = cursor_->Step();
  if (!found.ok() || !*found) return found;
  absl::StatusOr<std::vector<std::string>> key = ReadKey();
  if (!key.ok()) return key.status();
  if (*key == last_key_) return NotUnique(last_key_, key_columns_);
  last_key_ = *std::move(key);
  row.key = last_key_;
  ReadRecord(row);
  return true;
}

absl::StatusOr<std::vector<std::string>> QueryRows::ReadKey() {
  std::vector<std::string> key;
  size_t bytes = 0;
  for (size_t i = 0; i < key_places_.size(); ++i) {
    std::optional<std::string> value = cursor_->KeyAt(key_places_[i]);
    if (!value.has_value()) {
      return absl::FailedPreconditionError(absl::StrCat("a row has no value in the key column '", key_columns_[i],
                                                        "', behind the row with the key (", KeyText(last_key_), ")"));
    }
    bytes += value->size();
    key.push_back(*std::move(value));
  }
  if (bytes > model::kSourceKeyBytesMax) {
    return absl::FailedPreconditionError(absl::StrCat("the key of a row has ", bytes, " bytes, more than ",
                                                      model::kSourceKeyBytesMax, ", behind the row with the key (",
                                                      KeyText(last_key_), ")"));
  }
  return key;
}

void QueryRows::ReadRecord(QueryRow& row) {
  row.json.clear();
  row.problem.clear();
  for (size_t i = 0; i < fields_.size(); ++i) {
    row.json.append(fields_[i]);
    if (!AppendValue(cursor_->At(i), row.json)) {
      row.problem = absl::StrCat("QUERY_NOT_UTF8 in column ", i + 1, ": its text is not UTF-8");
    } else if (row.json.size() > model::kRecordBytesMax) {
      row.problem = absl::StrCat("QUERY_ROW_TOO_LARGE: the row has more than ", model::kRecordBytesMax, " bytes");
    }
    if (row.problem.empty()) continue;
    row.json.clear();
    return;
  }
  row.json.push_back('}');
}

std::string QueryRows::KeyText(const std::vector<std::string>& key) {
  return absl::StrJoin(key, ", ", [](std::string* out, const std::string& value) {
    const std::string text = value.empty() ? value : value.substr(1);
    out->append(value.empty() || value.front() != 'b' ? records::ToUtf8(text) : absl::Base64Escape(text));
  });
}

absl::Status CheckQuery(const Connection& connection, const Query& query, const model::Clock& clock) {
  absl::StatusOr<DescribedQuery> described = Describe(connection, query, clock, {});
  if (!described.ok()) return described.status();
  // As it will be run: it may not be a subquery, or a key column may have no order.
  return described->session->Describe(ReadingStatement(query, false)).status();
}

}  // namespace millrace::queries
