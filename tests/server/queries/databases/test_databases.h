// Real databases: a file of SQLite, a server of PostgreSQL.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tools/harness/program.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::testing {

/// Runs statements on a file of SQLite, which is made where it is missing.
void RunSqlite(const std::filesystem::path& file, const std::string& statements);

/// Has a file of SQLite locked for its lifetime, as somebody has who writes.
class SqliteLock {
 public:
  explicit SqliteLock(const std::filesystem::path& file);
  ~SqliteLock();
  SqliteLock(const SqliteLock&) = delete;
  SqliteLock& operator=(const SqliteLock&) = delete;

 private:
  void* database_ = nullptr;
};

/// A server of PostgreSQL with a cluster of its own, on a socket in a temporary folder. Its processes are those of
/// another user where the test is run by root, as whom it refuses to run.
class PostgresServer {
 public:
  /// The one of this program, started at the first call and empty; null where the machine has none installed, which is said
  /// on stderr.
  static PostgresServer* Get();

  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// What libpq needs to connect as a user who may do everything. The user `reader`, where a test makes one, needs a
  /// password.
  std::string target() const;

  void Run(const std::string& statements) const;

  /// Ends all sessions but those of the caller, who has none.
  void EndSessions() const;

  /// As a crash would.
  void Stop();
  void Start();

 private:
  explicit PostgresServer(std::filesystem::path programs);

  std::vector<std::string> Command(const std::string& program, const std::vector<std::string>& arguments) const;

  const std::filesystem::path programs_;
  const harness::TemporaryFolder folder_;
  std::unique_ptr<harness::Program> server_;
};

}  // namespace millrace::testing

/// Leaves a test that needs PostgreSQL where there is none.
#define SKIP_WITHOUT_POSTGRES() \
  if (::millrace::testing::PostgresServer::Get() == nullptr) GTEST_SKIP() << "PostgreSQL is not installed"
