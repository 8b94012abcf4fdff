// PostgreSQL: one transaction that reads, and in it a cursor of the server.
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/queries/session.h"
#include "storage/model/limits.h"

namespace millrace::queries {
namespace {

// Rows that the server is asked for at a time. They come one by one, so that a wide row is alone in memory.
constexpr int kFetchRows = 1'000;
// What somebody else has locked, to change a table, is tried again later.
constexpr char kLockTimeout[] = "10s";
// How often a step that waits looks whether it is to stop.
constexpr int kStopLookMilliseconds = 100;

// Object ids of types in pg_type.dat, which never change.
constexpr std::array<Oid, 6> kNumberTypes = {20, 21, 23, 26, 700, 701};
constexpr Oid kBooleanType = 16;

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

/// Whether what an error code of PostgreSQL stands for may pass: connections, resources, conflicts, locks, shutdowns, and
/// sessions that were idle for too long.
bool MayPass(std::string_view state) {
  const std::string_view family = state.substr(0, 2);
  return family == "08" || family == "53" || family == "40" || state == "55P03" || state == "57P01" ||
         state == "57P02" || state == "57P03" || state == "57P05" || state == "25P03";
}

class PostgresSession final : public Session {
 public:
  PostgresSession(const Connection& connection, std::stop_token stop)
      : connection_(connection), stop_(std::move(stop)) {}
  ~PostgresSession() override { PQfinish(server_); }

  absl::Status Open() {
    // What stands before `dbname`, the connection string, is the default for it; the secret stands behind.
    std::vector<const char*> names = {"connect_timeout",           "keepalives_idle",  "keepalives_interval",
                                      "keepalives_count",          "tcp_user_timeout", "gssencmode",
                                      "fallback_application_name", "dbname",           "client_encoding"};
    std::vector<const char*> values = {
        "10", "30", "10", "3", "60000", "disable", "millraced", connection_.target.c_str(), "UTF8"};
    if (!connection_.password.empty()) {
      names.push_back("password");
      values.push_back(connection_.password.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    server_ = PQconnectdbParams(names.data(), values.data(), 1);
    if (server_ == nullptr) return absl::ResourceExhaustedError("no memory for a connection to PostgreSQL");
    if (PQstatus(server_) != CONNECTION_OK) return Unreachable();
    return Begin();
  }

  absl::StatusOr<std::vector<std::string>> Describe(const std::string& statement) override {
    const Result prepared = Take(PQprepare(server_, "", statement.c_str(), 0, nullptr));
    if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) return Error(prepared.get());
    const Result described = Take(PQdescribePrepared(server_, ""));
    if (PQresultStatus(described.get()) != PGRES_COMMAND_OK) return Error(described.get());
    if (PQnparams(described.get()) > 0) {
      return absl::InvalidArgumentError("the query has parameters, and there is nobody to give their values");
    }
    std::vector<std::string> columns;
    const int count = PQnfields(described.get());
    columns.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) columns.emplace_back(PQfname(described.get(), i));
    return columns;
  }

  absl::StatusOr<std::unique_ptr<Cursor>> Run(const std::string& statement,
                                              const std::vector<std::string>& key) override;

  static Result Take(PGresult* result) { return Result(result, &PQclear); }

  absl::Status Error(const PGresult* result) const {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == nullptr) return Unreachable();
    std::string message = absl::StrCat("PostgreSQL, connection ", connection_.name, ": ",
                                       PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    for (const char more : {PG_DIAG_MESSAGE_DETAIL, PG_DIAG_MESSAGE_HINT}) {
      const char* text = PQresultErrorField(result, more);
      if (text != nullptr) absl::StrAppend(&message, "; ", text);
    }
    absl::StrAppend(&message, " (", state, ")");
    return MayPass(state) ? absl::UnavailableError(message) : absl::InvalidArgumentError(message);
  }

  PGconn* server() { return server_; }

  /// Waits until PQgetResult does not wait.
  absl::Status AwaitResult() {
    while (PQisBusy(server_) != 0) {
      if (stop_.stop_requested()) return Cancel();
      pollfd waiting{.fd = PQsocket(server_), .events = POLLIN, .revents = 0};
      poll(&waiting, 1, kStopLookMilliseconds);
      if (PQconsumeInput(server_) == 0) return Unreachable();
    }
    return absl::OkStatus();
  }

 private:
  /// The session reads what is there at this moment, writes nothing, and has all values in one form.
  absl::Status Begin() {
    const std::string statements = absl::StrCat(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
        "SET LOCAL statement_timeout = ",
        absl::ToInt64Milliseconds(model::kSourceStatementTimeout), ";SET LOCAL lock_timeout = '", kLockTimeout,
        "';SET LOCAL DateStyle = 'ISO, YMD';SET LOCAL IntervalStyle = 'postgres';SET LOCAL TimeZone = 'UTC';"
        "SET LOCAL bytea_output = 'hex';SET LOCAL extra_float_digits = 1");
    const Result begun = Take(PQexec(server_, statements.c_str()));
    return PQresultStatus(begun.get()) == PGRES_COMMAND_OK ? absl::OkStatus() : Error(begun.get());
  }

  /// Otherwise PostgreSQL would work on until it has a row to send.
  absl::Status Cancel() {
    const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> cancel(PQgetCancel(server_), &PQfreeCancel);
    std::array<char, 256> message{};
    if (cancel != nullptr) PQcancel(cancel.get(), message.data(), static_cast<int>(message.size()));
    return absl::UnavailableError("the server stops");
  }

  absl::Status Unreachable() const {
    // libpq writes for a terminal.
    std::string message(PQerrorMessage(server_));
    std::replace(message.begin(), message.end(), '\n', ' ');
    absl::RemoveExtraAsciiWhitespace(&message);
    return absl::UnavailableError(absl::StrCat("PostgreSQL, connection ", connection_.name, ": ", message));
  }

  const Connection connection_;
  const std::stop_token stop_;
  PGconn* server_ = nullptr;
};

class PostgresCursor final : public Cursor {
 public:
  explicit PostgresCursor(PostgresSession& session) : session_(session) {}
  ~PostgresCursor() override {
    // Where rows are left unread, ending the session is cheaper than reading them.
    row_.reset();
    if (is_over_) PostgresSession::Take(PQexec(session_.server(), "CLOSE millrace"));
  }

  absl::StatusOr<bool> Step() override {
    while (!is_over_) {
      if (!is_fetching_) {
        if (absl::Status asked = Fetch(); !asked.ok()) return asked;
      }
      if (absl::Status came = session_.AwaitResult(); !came.ok()) return came;
      row_ = PostgresSession::Take(PQgetResult(session_.server()));
      if (row_ == nullptr) {
        is_fetching_ = false;
        is_over_ = fetched_ < kFetchRows;
        continue;
      }
      switch (PQresultStatus(row_.get())) {
        case PGRES_SINGLE_TUPLE:
          ++fetched_;
          return true;
        case PGRES_TUPLES_OK:
          break;
        default:
          return session_.Error(row_.get());
      }
    }
    return false;
  }

  Value At(size_t column) override {
    const int at = static_cast<int>(column);
    if (PQgetisnull(row_.get(), 0, at) != 0) return {};
    const std::string_view text = Text(at);
    const Oid type = PQftype(row_.get(), at);
    if (type == kBooleanType) return {Value::Kind::kLiteral, text == "t" ? "true" : "false"};
    const bool is_number = std::find(kNumberTypes.begin(), kNumberTypes.end(), type) != kNumberTypes.end() &&
                           text.find_first_not_of("0123456789+-.e") == std::string_view::npos;
    return {is_number ? Value::Kind::kLiteral : Value::Kind::kText, text};
  }

  std::optional<std::string> KeyAt(size_t column) override {
    const int at = static_cast<int>(column);
    if (PQgetisnull(row_.get(), 0, at) != 0) return std::nullopt;
    return absl::StrCat("t", std::string(Text(at)));
  }

 private:
  absl::Status Fetch() {
    const std::string statement = absl::StrCat("FETCH FORWARD ", kFetchRows, " FROM millrace");
    if (PQsendQuery(session_.server(), statement.c_str()) == 0) return session_.Error(nullptr);
    PQsetSingleRowMode(session_.server());
    is_fetching_ = true;
    fetched_ = 0;
    return absl::OkStatus();
  }

  std::string_view Text(int at) const {
    return {PQgetvalue(row_.get(), 0, at), static_cast<size_t>(PQgetlength(row_.get(), 0, at))};
  }

  PostgresSession& session_;
  Result row_ = PostgresSession::Take(nullptr);
  bool is_fetching_ = false;
  bool is_over_ = false;
  int fetched_ = 0;
};

absl::StatusOr<std::unique_ptr<Cursor>> PostgresSession::Run(const std::string& statement,
                                                             const std::vector<std::string>& key) {
  std::vector<const char*> values;
  for (const std::string& value : key) {
    if (value.empty()) return absl::DataLossError("the stored key of the last row is damaged");
    // Behind the letter. Its type is that of the column with which it is compared.
    values.push_back(value.c_str() + 1);
  }
  const std::string declare = absl::StrCat("DECLARE millrace NO SCROLL CURSOR FOR ", statement);
  const Result declared = Take(PQexecParams(server_, declare.c_str(), static_cast<int>(values.size()), nullptr,
                                            values.data(), nullptr, nullptr, 0));
  if (PQresultStatus(declared.get()) != PGRES_COMMAND_OK) return Error(declared.get());
  return std::make_unique<PostgresCursor>(*this);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> OpenPostgres(const Connection& connection, std::stop_token stop) {
  auto session = std::make_unique<PostgresSession>(connection, std::move(stop));
  if (absl::Status opened = session->Open(); !opened.ok()) return opened;
  return session;
}

absl::Status CheckPostgresTarget(const std::string& target) {
  char* message = nullptr;
  PQconninfoOption* options = PQconninfoParse(target.c_str(), &message);
  if (options == nullptr) {
    const std::string why = message == nullptr ? "no memory" : std::string(absl::StripAsciiWhitespace(message));
    PQfreemem(message);
    return absl::InvalidArgumentError(why);
  }
  bool has_secret = false;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    has_secret |= std::strcmp(option->keyword, "password") == 0 && option->val != nullptr;
  }
  PQconninfoFree(options);
  if (!has_secret) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "holds a password; put it into the environment, and name the variable as password_env");
}

}  // namespace millrace::queries
