// SQLite: a file that is opened to be read.
#include <sqlite3.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/core/json_struct.h"
#include "server/queries/session.h"
#include "storage/model/limits.h"

namespace millrace::queries {
namespace {

// How long a statement waits for somebody who writes, before the reading is tried again later.
constexpr int kBusyMilliseconds = 1'000;
// Instructions of SQLite's machine between two looks at the clock: some 0.1 ms.
constexpr int kInstructionsPerLook = 10'000;

using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

/// What is written into a position, and read back: see Cursor::KeyAt.
template <class T>
std::string NumberKey(char type, T number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return absl::StrCat(std::string(1, type), std::string(text, end));
}

template <class T>
bool ReadNumber(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

class SqliteSession final : public Session {
 public:
  SqliteSession(const Connection& connection, const model::Clock& clock, std::stop_token stop)
      : connection_(connection), clock_(clock), stop_(std::move(stop)) {}
  ~SqliteSession() override { sqlite3_close_v2(database_); }

  absl::Status Open() {
    const int opened = sqlite3_open_v2(connection_.target.c_str(), &database_,
                                       SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    if (opened != SQLITE_OK) return Error(opened);
    sqlite3_busy_timeout(database_, kBusyMilliseconds);
    sqlite3_db_config(database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    // Otherwise a column that does not exist would be a text.
    sqlite3_db_config(database_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_progress_handler(
        database_, kInstructionsPerLook, [](void* session) { return static_cast<SqliteSession*>(session)->MustEnd(); },
        this);
    StartWatch();
    const int closed = sqlite3_exec(database_, "PRAGMA query_only = ON; BEGIN", nullptr, nullptr, nullptr);
    return closed == SQLITE_OK ? absl::OkStatus() : Error(closed);
  }

  absl::StatusOr<std::vector<std::string>> Describe(const std::string& statement) override {
    absl::StatusOr<Statement> prepared = Prepare(statement);
    if (!prepared.ok()) return prepared.status();
    if (sqlite3_bind_parameter_count(prepared->get()) > 0) {
      return absl::InvalidArgumentError("the query has parameters, and there is nobody to give their values");
    }
    if (sqlite3_stmt_readonly(prepared->get()) == 0) return absl::InvalidArgumentError("the query writes");
    std::vector<std::string> columns;
    const int count = sqlite3_column_count(prepared->get());
    columns.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      columns.emplace_back(sqlite3_column_name(prepared->get(), i));
    }
    return columns;
  }

  absl::StatusOr<std::unique_ptr<Cursor>> Run(const std::string& statement,
                                              const std::vector<std::string>& key) override;

  /// Begins the time that a step may take.
  void StartWatch() {
    deadline_nanos_ = clock_.SteadyNanos() + absl::ToInt64Nanoseconds(model::kSourceStatementTimeout);
  }

  absl::Status Error(int code) const {
    const std::string message = absl::StrCat("SQLite, connection ", connection_.name, ": ",
                                             database_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database_));
    switch (code & 0xff) {
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
      case SQLITE_PROTOCOL:
        return absl::UnavailableError(message);
      case SQLITE_CANTOPEN: {
        const int why = database_ == nullptr ? 0 : sqlite3_system_errno(database_);
        return absl::UnavailableError(absl::StrCat(message, why == 0 ? "" : ": ", why == 0 ? "" : std::strerror(why)));
      }
      case SQLITE_NOMEM:
      case SQLITE_FULL:  // the disk on which it sorts
        return absl::ResourceExhaustedError(message);
      case SQLITE_IOERR:
        return absl::UnavailableError(message);
      case SQLITE_NOTADB:
      case SQLITE_CORRUPT:
        return absl::DataLossError(message);
      case SQLITE_INTERRUPT:
        if (stop_.stop_requested()) return absl::UnavailableError("the server stops");
        return absl::DeadlineExceededError(
            absl::StrCat("SQLite, connection ", connection_.name, ": the query took more than ",
                         absl::FormatDuration(model::kSourceStatementTimeout), " until its next row"));
      default:
        return absl::InvalidArgumentError(message);
    }
  }

 private:
  absl::StatusOr<Statement> Prepare(const std::string& text) {
    StartWatch();
    sqlite3_stmt* made = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v2(database_, text.c_str(), static_cast<int>(text.size()) + 1, &made, &rest);
    Statement statement(made, &sqlite3_finalize);
    if (code != SQLITE_OK) return Error(code);
    if (statement == nullptr) return absl::InvalidArgumentError("the query is empty");
    // Blanks and comments make no statement.
    sqlite3_stmt* second = nullptr;
    const int more = sqlite3_prepare_v2(database_, rest, -1, &second, nullptr);
    const Statement other(second, &sqlite3_finalize);
    if (more != SQLITE_OK || other != nullptr) {
      return absl::InvalidArgumentError("the query is more than one statement");
    }
    return statement;
  }

  int MustEnd() const { return stop_.stop_requested() || clock_.SteadyNanos() > deadline_nanos_ ? 1 : 0; }

  const Connection connection_;
  const model::Clock& clock_;
  const std::stop_token stop_;
  sqlite3* database_ = nullptr;
  int64_t deadline_nanos_ = 0;
};

class SqliteCursor final : public Cursor {
 public:
  SqliteCursor(SqliteSession& session, Statement statement) : session_(session), statement_(std::move(statement)) {}

  absl::Status Bind(const std::vector<std::string>& key) {
    for (size_t i = 0; i < key.size(); ++i) {
      if (!Bind(static_cast<int>(i) + 1, key[i])) {
        return absl::DataLossError("the stored key of the last row is damaged");
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Step() override {
    session_.StartWatch();
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return session_.Error(code);
  }

  Value At(size_t column) override {
    const int at = static_cast<int>(column);
    switch (sqlite3_column_type(statement_.get(), at)) {
      case SQLITE_INTEGER:
        literal_ = absl::StrCat(sqlite3_column_int64(statement_.get(), at));
        return {Value::Kind::kLiteral, literal_};
      case SQLITE_FLOAT:
        return Real(sqlite3_column_double(statement_.get(), at));
      case SQLITE_TEXT:
        return {Value::Kind::kText, Text(at)};
      case SQLITE_BLOB:
        return {Value::Kind::kBytes, Bytes(at)};
      default:
        return {};
    }
  }

  std::optional<std::string> KeyAt(size_t column) override {
    const int at = static_cast<int>(column);
    switch (sqlite3_column_type(statement_.get(), at)) {
      case SQLITE_INTEGER:
        return NumberKey('i', sqlite3_column_int64(statement_.get(), at));
      case SQLITE_FLOAT:
        return NumberKey('r', sqlite3_column_double(statement_.get(), at));
      case SQLITE_TEXT:
        return absl::StrCat("t", std::string(Text(at)));
      case SQLITE_BLOB:
        return absl::StrCat("b", std::string(Bytes(at)));
      default:
        return std::nullopt;
    }
  }

 private:
  Value Real(double number) {
    if (!std::isfinite(number)) return {Value::Kind::kText, number > 0 ? "Infinity" : "-Infinity"};
    literal_.clear();
    core::AppendJsonNumber(number, literal_);
    return {Value::Kind::kLiteral, literal_};
  }

  std::string_view Text(int at) {
    const unsigned char* text = sqlite3_column_text(statement_.get(), at);
    return {reinterpret_cast<const char*>(text), static_cast<size_t>(sqlite3_column_bytes(statement_.get(), at))};
  }

  std::string_view Bytes(int at) {
    // Null where there are none.
    const void* bytes = sqlite3_column_blob(statement_.get(), at);
    return {static_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(statement_.get(), at))};
  }

  bool Bind(int at, std::string_view value) {
    if (value.empty()) return false;
    const std::string_view text = value.substr(1);
    int64_t integer = 0;
    double real = 0;
    switch (value.front()) {
      case 'i':
        return ReadNumber(text, integer) && sqlite3_bind_int64(statement_.get(), at, integer) == SQLITE_OK;
      case 'r':
        return ReadNumber(text, real) && sqlite3_bind_double(statement_.get(), at, real) == SQLITE_OK;
      case 't':
        return sqlite3_bind_text64(statement_.get(), at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8) ==
               SQLITE_OK;
      case 'b':
        return sqlite3_bind_blob64(statement_.get(), at, text.data(), text.size(), SQLITE_TRANSIENT) == SQLITE_OK;
      default:
        return false;
    }
  }

  SqliteSession& session_;
  Statement statement_;
  std::string literal_;
};

absl::StatusOr<std::unique_ptr<Cursor>> SqliteSession::Run(const std::string& statement,
                                                           const std::vector<std::string>& key) {
  absl::StatusOr<Statement> prepared = Prepare(statement);
  if (!prepared.ok()) return prepared.status();
  auto cursor = std::make_unique<SqliteCursor>(*this, *std::move(prepared));
  if (absl::Status bound = cursor->Bind(key); !bound.ok()) return bound;
  return cursor;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> OpenSqlite(const Connection& connection, const model::Clock& clock,
                                                    std::stop_token stop) {
  auto session = std::make_unique<SqliteSession>(connection, clock, std::move(stop));
  if (absl::Status opened = session->Open(); !opened.ok()) return opened;
  return session;
}

}  // namespace millrace::queries
