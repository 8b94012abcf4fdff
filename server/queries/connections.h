// The databases that jobs may query: connections with names, from a file that `millraced --source-connections` names.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <semaphore>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace::queries {

enum class Database { kSqlite, kPostgresql };

/// How to reach one database.
struct Connection {
  std::string name;
  Database database = Database::kSqlite;
  /// kSqlite: the absolute path of the file. kPostgresql: a connection string of libpq, without the secret.
  std::string target;
  /// kPostgresql: empty where none is needed. Never logged, stored or put into a message.
  std::string password;
};

/// Constant after construction but for the places, thread-safe. Copies share the places.
class Connections {
 public:
  /// None: nothing may be queried.
  Connections() = default;

  /// Reads a file of YAML: a mapping of names to connections.
  ///
  ///     archive: {sqlite: /var/lib/archive.db}
  ///     sales:
  ///       postgresql: "host=db.example.org user=reader dbname=sales"
  ///       password_env: SALES_PASSWORD
  ///
  /// `password_env` names the variable of the environment that holds the secret, which must be set. The error names file,
  /// line and field.
  static absl::StatusOr<Connections> Read(const std::filesystem::path& file);

  bool empty() const { return connections_.empty(); }

  /// Null where there is none of this name.
  const Connection* Find(std::string_view name) const;

  /// `archive, sales`: for messages.
  std::string Names() const;

  /// A place for a call that waits for a database, given back by whoever lets it go. Null where kWaitingCallsMax wait
  /// already: a database that does not answer must not take all threads that serve calls.
  std::shared_ptr<void> TakePlace() const;

  static constexpr int kWaitingCallsMax = 4;

 private:
  std::map<std::string, Connection, std::less<>> connections_;
  std::shared_ptr<std::counting_semaphore<>> places_ = std::make_shared<std::counting_semaphore<>>(kWaitingCallsMax);
};

}  // namespace millrace::queries
