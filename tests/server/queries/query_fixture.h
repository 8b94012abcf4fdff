// Queries of databases that a test fills.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/queries/query_rows.h"
#include "storage/model/clock.h"
#include "tests/server/queries/databases/test_databases.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::queries {

class QueryFixture : public ::testing::Test {
 protected:
  std::filesystem::path SqliteFile() const { return folder_.path() / "test.db"; }

  Connection Sqlite() const { return {.name = "lite", .database = Database::kSqlite, .target = SqliteFile()}; }

  static Connection Postgres() {
    return {.name = "post", .database = Database::kPostgresql, .target = testing::PostgresServer::Get()->target()};
  }

  /// The records of a query, one a line, as if the reader was stopped after each `rows_max` rows and began anew behind the
  /// last; or the error.
  std::string Read(const Connection& connection, const Query& query, int rows_max = 1'000'000) const {
    std::string records;
    std::vector<std::string> after;
    for (;;) {
      const auto rows = QueryRows::Open(connection, query, after, clock_);
      if (!rows.ok()) return absl::StrCat(records, "ERROR ", std::string(rows.status().message()));
      QueryRow row;
      for (int i = 0; i < rows_max; ++i) {
        const absl::StatusOr<bool> found = (*rows)->Next(row);
        if (!found.ok()) return absl::StrCat(records, "ERROR ", std::string(found.status().message()));
        if (!*found) return records;
        absl::StrAppend(&records, row.json, row.problem, "\n");
        after = row.key;
      }
    }
  }

  const harness::TemporaryFolder folder_;
  model::ManualClock clock_{testing::At(0)};
};

}  // namespace millrace::queries
