#include "tests/server/queries/databases/test_databases.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace millrace::testing {
namespace {

namespace fs = std::filesystem;

/// Whoever may do least.
constexpr uid_t kNobody = 65534;

sqlite3* OpenSqliteFile(const fs::path& file) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  return database;
}

void RunOn(sqlite3* database, const std::string& statements) {
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, &message), SQLITE_OK)
      << (message == nullptr ? "" : message);
  sqlite3_free(message);
}

/// The newest version that is installed, where Debian has it; or empty.
fs::path ProgramsOfPostgres() {
  std::vector<fs::path> found;
  std::error_code missing;
  for (const fs::directory_entry& version : fs::directory_iterator("/usr/lib/postgresql", missing)) {
    if (fs::exists(version.path() / "bin" / "initdb")) found.push_back(version.path() / "bin");
  }
  return found.empty() ? fs::path() : *std::max_element(found.begin(), found.end());
}

}  // namespace

void RunSqlite(const fs::path& file, const std::string& statements) {
  sqlite3* database = OpenSqliteFile(file);
  RunOn(database, statements);
  sqlite3_close(database);
}

SqliteLock::SqliteLock(const fs::path& file) {
  sqlite3* database = OpenSqliteFile(file);
  RunOn(database, "BEGIN EXCLUSIVE");
  database_ = database;
}

SqliteLock::~SqliteLock() { sqlite3_close(static_cast<sqlite3*>(database_)); }

PostgresServer* PostgresServer::Get() {
  static const std::unique_ptr<PostgresServer> server = []() -> std::unique_ptr<PostgresServer> {
    fs::path programs = ProgramsOfPostgres();
    if (!programs.empty()) return std::unique_ptr<PostgresServer>(new PostgresServer(std::move(programs)));
    std::cerr << "SKIPPED: /usr/lib/postgresql has no server; what needs PostgreSQL is not tested" << std::endl;
    return nullptr;
  }();
  return server.get();
}

PostgresServer::PostgresServer(fs::path programs) : programs_(std::move(programs)) {
  if (geteuid() == 0) {
    EXPECT_EQ(chown(folder_.path().c_str(), kNobody, kNobody), 0);
  }
  const auto made = harness::Program::Start(
      Command("initdb", {"--no-sync", "--auth=trust", "--username=owner", "--encoding=UTF8", "--locale=C.UTF-8",
                         "--pgdata", folder_.path() / "data"}),
      {.stdout_file = folder_.path() / "initdb", .stderr_file = folder_.path() / "initdb.errors"});
  EXPECT_EQ(made.ok() ? (*made)->Wait() : -1, 0) << "initdb failed";
  std::ofstream(folder_.path() / "data" / "pg_hba.conf") << "local all reader scram-sha-256\nlocal all all trust\n";
  Start();
}

PostgresServer::~PostgresServer() { Stop(); }

std::string PostgresServer::target() const {
  return absl::StrCat("host=", folder_.path().string(), " user=owner dbname=postgres");
}

void PostgresServer::Start() {
  auto server =
      harness::Program::Start(Command("postgres", {"-D", folder_.path() / "data", "-k", folder_.path(), "-c",
                                                   "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=20"}),
                              {.stdout_file = folder_.path() / "log", .stderr_file = folder_.path() / "errors"});
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  while (PQping(target().c_str()) != PQPING_OK) {
    ASSERT_FALSE(server_->EndsWithin(absl::Milliseconds(10))) << "PostgreSQL did not start; see " << folder_.path();
  }
}

void PostgresServer::Stop() {
  if (server_ != nullptr) server_->End(SIGQUIT);
  server_.reset();
}

void PostgresServer::Run(const std::string& statements) const {
  PGconn* connection = PQconnectdb(target().c_str());
  PGresult* result = PQexec(connection, statements.c_str());
  EXPECT_TRUE(PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK)
      << PQerrorMessage(connection);
  PQclear(result);
  PQfinish(connection);
}

void PostgresServer::EndSessions() const {
  Run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
      "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
}

std::vector<std::string> PostgresServer::Command(const std::string& program,
                                                 const std::vector<std::string>& arguments) const {
  std::vector<std::string> command;
  if (geteuid() == 0) {
    const std::string nobody = absl::StrCat(kNobody);
    command = {"setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups"};
  }
  command.push_back(programs_ / program);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace millrace::testing
