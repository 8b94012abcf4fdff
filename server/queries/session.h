// A session with a database, SQLite or PostgreSQL: what the two have in common. Nothing can be written through it.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/queries/connections.h"
#include "storage/model/clock.h"

namespace millrace::queries {

/// One value of a row.
struct Value {
  enum class Kind {
    kNull,
    /// JSON as it stands: a number, true or false.
    kLiteral,
    /// As the database has it, perhaps not UTF-8.
    kText,
    kBytes,
  };
  Kind kind = Kind::kNull;
  std::string_view text;
};

/// The rows of a statement that runs. Not thread-safe.
class Cursor {
 public:
  virtual ~Cursor() = default;

  /// Goes to the next row. False at the end.
  virtual absl::StatusOr<bool> Step() = 0;

  /// The value in a column of the row, which is counted from 0. Valid until the next call.
  virtual Value At(size_t column) = 0;

  /// The value in a form that Session::Run takes: a letter for its type, and the value. nullopt for null.
  virtual std::optional<std::string> KeyAt(size_t column) = 0;
};

/// All that it reads is of one moment. Not thread-safe. Codes of its errors:
///   UNAVAILABLE, RESOURCE_EXHAUSTED  the database cannot be reached, is busy or locked, or `stop` was requested: may pass
///   DATA_LOSS                        what the connection leads to is no database, or a damaged one
///   others                           the statement is wrong, or what it reads cannot be read
/// After an error, or a cursor that was not read to its end, the session is of no use any more.
class Session {
 public:
  virtual ~Session() = default;

  /// The columns of a statement, which is not run. An error where it is not one statement, has parameters, or is wrong.
  virtual absl::StatusOr<std::vector<std::string>> Describe(const std::string& statement) = 0;

  /// Runs a statement with the parameters `key`, $1 and so on. One cursor at a time; the session must outlive it. A step of
  /// it takes at most kSourceStatementTimeout.
  virtual absl::StatusOr<std::unique_ptr<Cursor>> Run(const std::string& statement,
                                                      const std::vector<std::string>& key) = 0;
};

/// The clock must outlive the session. `stop` ends a step that takes long.
absl::StatusOr<std::unique_ptr<Session>> OpenSqlite(const Connection& connection, const model::Clock& clock,
                                                    std::stop_token stop);
absl::StatusOr<std::unique_ptr<Session>> OpenPostgres(const Connection& connection, std::stop_token stop);

/// An error where libpq cannot read a connection string, or it holds a secret.
absl::Status CheckPostgresTarget(const std::string& target);

}  // namespace millrace::queries
