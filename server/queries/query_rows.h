// The rows of a query as records, in the order of their key, from behind any of them.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/queries/connections.h"
#include "server/queries/session.h"
#include "storage/model/clock.h"

namespace millrace::queries {

/// What is read. See millrace.v1.QuerySource, which is the contract.
struct Query {
  /// One statement that begins with SELECT, WITH or VALUES.
  std::string text;
  /// The columns that name each row.
  std::vector<std::string> key_columns;
};

struct QueryRow {
  /// The record: one line.
  std::string json;
  /// What QueryRows::Open goes on behind.
  std::vector<std::string> key;
  /// Not empty: the row cannot be made a record; `json` is empty.
  std::string problem;
};

/// Reads the rows of a query. Not thread-safe.
class QueryRows {
 public:
  /// Begins behind the row with the key `after`, or at the first row where that is empty. Two rows whose keys are equal to
  /// the database, whatever their bytes, cannot be told apart by it: an error where `after` names more than one. The clock must
  /// outlive the object; `stop` ends a step that takes long. Codes of errors, here and of Next:
  ///   UNAVAILABLE, RESOURCE_EXHAUSTED  the database cannot be reached, is busy or locked, or `stop` was requested: may pass
  ///   NOT_FOUND                        the query has no such key column
  ///   DATA_LOSS                        the connection leads to no database, or to a damaged one
  ///   others                           the query cannot be read, and the message says why
  static absl::StatusOr<std::unique_ptr<QueryRows>> Open(const Connection& connection, const Query& query,
                                                         const std::vector<std::string>& after,
                                                         const model::Clock& clock, std::stop_token stop = {});

  /// Reads the next row. False at the end. An error where a key is null, too large, or that of the row before.
  absl::StatusOr<bool> Next(QueryRow& row);

  /// The values of a key, for people: `4, b`.
  static std::string KeyText(const std::vector<std::string>& key);

 private:
  QueryRows(std::unique_ptr<Session> session, std::unique_ptr<Cursor> cursor, const std::vector<std::string>& columns,
            const Query& query, std::vector<std::string> after);

  absl::StatusOr<std::vector<std::string>> ReadKey();
  void ReadRecord(QueryRow& row);

  const std::unique_ptr<Session> session_;
  /// Goes before the session.
  std::unique_ptr<Cursor> cursor_;
  const std::vector<std::string> key_columns_;
  /// `"name":` of each column.
  std::vector<std::string> fields_;
  /// Where the key columns are.
  std::vector<size_t> key_places_;
  /// Of the row before.
  std::vector<std::string> last_key_;
};

/// Whether the query can be read at all: it is described by the database and not run. Errors as those of QueryRows::Open.
absl::Status CheckQuery(const Connection& connection, const Query& query, const model::Clock& clock);

}  // namespace millrace::queries
