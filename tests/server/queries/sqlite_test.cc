// Queries of SQLite.
#include <limits>

#include "storage/model/limits.h"
#include "tests/server/queries/query_fixture.h"

namespace millrace::queries {
namespace {

using ::millrace::testing::RunSqlite;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const Query kEndless{.text = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n",
                     .key_columns = {"id"}};

class SqliteTest : public QueryFixture {
 protected:
  std::string Rows(const std::string& query, std::vector<std::string> keys = {"id"}, int rows_max = 1'000'000) const {
    return Read(Sqlite(), {.text = query, .key_columns = std::move(keys)}, rows_max);
  }

  absl::Status Check(const std::string& query, std::vector<std::string> keys = {"id"}) const {
    return CheckQuery(Sqlite(), {.text = query, .key_columns = std::move(keys)}, clock_);
  }
};

TEST_F(SqliteTest, TypesMapAsDocumented) {
  RunSqlite(SqliteFile(),
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v);"
            "INSERT INTO t VALUES (1, 42), (2, -9223372036854775808), (3, 1.5), (4, 9e999), (5, -9e999), (6, NULL),"
            "(7, 'a\"b' || char(10) || 'ü'), (8, x'00ff10'), (9, ''), (10, x''), (11, 1e300), (12, '12')");
  EXPECT_EQ(Rows("SELECT id, v FROM t"),
            "{\"id\":1,\"v\":42}\n"
            "{\"id\":2,\"v\":-9223372036854775808}\n"
            "{\"id\":3,\"v\":1.5}\n"
            "{\"id\":4,\"v\":\"Infinity\"}\n"
            "{\"id\":5,\"v\":\"-Infinity\"}\n"
            "{\"id\":6,\"v\":null}\n"
            "{\"id\":7,\"v\":\"a\\\"b\\nü\"}\n"
            "{\"id\":8,\"v\":\"AP8Q\"}\n"
            "{\"id\":9,\"v\":\"\"}\n"
            "{\"id\":10,\"v\":\"\"}\n"
            "{\"id\":11,\"v\":1e+300}\n"
            "{\"id\":12,\"v\":\"12\"}\n");
}

TEST_F(SqliteTest, ReadingGoesOnBehindKeysOfAllTypes) {
  RunSqlite(
      SqliteFile(),
      "CREATE TABLE t (k PRIMARY KEY);"
      "INSERT INTO t VALUES (2), (-1), (1.5), (0.1), (-9e999), (9e999), ('b'), ('a'), ('ü'), (x'01'), (x''), ('')");
  const std::string whole = Rows("SELECT k FROM t", {"k"});
  EXPECT_THAT(whole, StartsWith("{\"k\":\"-Infinity\"}\n{\"k\":-1}\n{\"k\":0.1}\n{\"k\":1.5}\n{\"k\":2}\n"));
  for (const int rows : {1, 2, 3, 5}) EXPECT_EQ(Rows("SELECT k FROM t", {"k"}, rows), whole);
}

TEST_F(SqliteTest, AKeyMayHaveSeveralColumns) {
  std::string expected;
  RunSqlite(SqliteFile(), "CREATE TABLE t (b TEXT, a INTEGER)");
  for (int a = 0; a < 5; ++a) {
    for (int b = 0; b < 5; ++b) {
      RunSqlite(SqliteFile(), absl::StrCat("INSERT INTO t VALUES ('", b, "', ", a, ")"));
      absl::StrAppend(&expected, "{\"b\":\"", b, "\",\"a\":", a, "}\n");
    }
  }
  for (const int rows : {1, 3, 7}) EXPECT_EQ(Rows("SELECT b, a FROM t", {"a", "b"}, rows), expected);
}

TEST_F(SqliteTest, StatementsOfSeveralFormsAreRead) {
  RunSqlite(SqliteFile(),
            "CREATE TABLE t (id INTEGER PRIMARY KEY, \"na\"\"me\" TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y')");
  const std::string expected = "{\"id\":1}\n{\"id\":2}\n";
  EXPECT_EQ(Rows("select id from t;"), expected);
  EXPECT_EQ(Rows(" -- the rows\n /* all */ SELECT id FROM t ORDER BY id DESC -- backwards"), expected);
  EXPECT_EQ(Rows("WITH a AS (SELECT id FROM t) SELECT id FROM a"), expected);
  EXPECT_EQ(Rows("VALUES (1), (2)", {"column1"}), "{\"column1\":1}\n{\"column1\":2}\n");
  EXPECT_EQ(Rows("SELECT \"na\"\"me\" FROM t", {"na\"me"}, 1), "{\"na\\\"me\":\"x\"}\n{\"na\\\"me\":\"y\"}\n");
  EXPECT_EQ(Rows("SELECT id FROM t WHERE id > 2"), "");
}

TEST_F(SqliteTest, WhatDoesNotReadIsRefused) {
  RunSqlite(SqliteFile(), "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
  for (const char* statement : {"DELETE FROM t", "INSERT INTO t VALUES (2) RETURNING id", "DROP TABLE t",
                                "PRAGMA journal_mode = WAL", "", "-- nothing", "ATTACH 'other.db' AS o"}) {
    EXPECT_THAT(std::string(Check(statement).message()), HasSubstr("expected one statement that begins with SELECT"))
        << statement;
  }
  EXPECT_THAT(std::string(Check("WITH a AS (SELECT 2 AS id) INSERT INTO t SELECT id FROM a").message()),
              HasSubstr("the query writes"));
  EXPECT_THAT(std::string(Check("SELECT id FROM t; DELETE FROM t").message()), HasSubstr("more than one statement"));
  EXPECT_THAT(std::string(Check("SELECT 1 AS id) AS a; DELETE FROM t; SELECT * FROM (SELECT 1 AS id").message()),
              HasSubstr("syntax error"));
  EXPECT_THAT(std::string(Check("SELECT id FROM t WHERE id = ?").message()), HasSubstr("has parameters"));
  EXPECT_EQ(Rows("SELECT id FROM t"), "{\"id\":1}\n");
}

TEST_F(SqliteTest, WhatIsWrongWithAQueryIsSaid) {
  RunSqlite(SqliteFile(), "CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  EXPECT_THAT(Check("SELECT id FROM t"), testing::IsOk());
  EXPECT_THAT(std::string(Check("SELECT id FORM t").message()), HasSubstr("syntax error"));
  EXPECT_THAT(std::string(Check("SELECT id FROM nobody").message()), HasSubstr("no such table: nobody"));
  EXPECT_THAT(std::string(Check("SELECT \"nobody\" AS id FROM t").message()), HasSubstr("no such column: nobody"));
  EXPECT_THAT(std::string(Check("SELECT x.id, y.id FROM t x, t y").message()), HasSubstr("two columns 'id'"));
  const absl::Status missing = Check("SELECT id, a FROM t", {"id", "b"});
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(missing.message(), "the query has no column 'b'; it has id, a");
}

TEST_F(SqliteTest, KeysThatDoNotNameARowEndTheReading) {
  RunSqlite(SqliteFile(), "CREATE TABLE t (id, a); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (2, 'z'), (3, 'x')");
  for (const int rows : {1, 2, 100}) {
    EXPECT_THAT(Rows("SELECT id, a FROM t", {"id"}, rows), HasSubstr("ERROR two rows have the key (2) in id")) << rows;
  }
  RunSqlite(SqliteFile(), "UPDATE t SET id = NULL WHERE a = 'z'");
  EXPECT_THAT(Rows("SELECT id, a FROM t"), StartsWith("ERROR a row has no value in a key column (id)"));
  RunSqlite(SqliteFile(), "DELETE FROM t; INSERT INTO t VALUES ('" + std::string(5'000, 'x') + "', 1)");
  EXPECT_THAT(Rows("SELECT id, a FROM t"), HasSubstr("ERROR the key of a row has 5001 bytes, more than 4096"));
}

TEST_F(SqliteTest, KeysThatTheDatabaseTakesForEqualRepeatNothing) {
  RunSqlite(SqliteFile(),
            "CREATE TABLE t (id TEXT COLLATE NOCASE, a); INSERT INTO t VALUES ('a', 1), ('A', 2), ('b', 3), ('B', 4)");
  EXPECT_EQ(Rows("SELECT id, a FROM t", {"id"}, 1),
            "{\"id\":\"a\",\"a\":1}\nERROR two rows have the key (a) in id: the key columns must name each row");
  EXPECT_THAT(Rows("SELECT id, a FROM t", {"id"}, 2), HasSubstr("\"a\":2}\nERROR two rows have the key (A) in id"));
  EXPECT_EQ(Rows("SELECT id, a FROM t", {"id", "a"}, 1), Rows("SELECT id, a FROM t", {"id", "a"}));
  RunSqlite(SqliteFile(), "CREATE TABLE u (id); INSERT INTO u VALUES (1), (1.0), (2)");
  EXPECT_THAT(Rows("SELECT id FROM u", {"id"}, 1), HasSubstr("ERROR two rows have the key (1"));
}

TEST_F(SqliteTest, ARowThatIsWrittenAnewWithAnEqualKeyIsNotReadAgain) {
  RunSqlite(SqliteFile(), "CREATE TABLE t (id TEXT COLLATE NOCASE); INSERT INTO t VALUES ('A'), ('b')");
  auto rows = QueryRows::Open(Sqlite(), {.text = "SELECT id FROM t", .key_columns = {"id"}}, {"ta"}, clock_);
  ASSERT_THAT(rows, testing::IsOk());
  QueryRow row;
  ASSERT_EQ((*rows)->Next(row).value_or(false), true);
  EXPECT_EQ(row.json, "{\"id\":\"b\"}");
}

TEST_F(SqliteTest, ARowThatWasReadMayGoAway) {
  RunSqlite(SqliteFile(), "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)");
  const Query query{.text = "SELECT id FROM t", .key_columns = {"id"}};
  RunSqlite(SqliteFile(), "DELETE FROM t WHERE id = 2");
  auto rows = QueryRows::Open(Sqlite(), query, {"i2"}, clock_);
  ASSERT_THAT(rows, testing::IsOk());
  QueryRow row;
  ASSERT_EQ((*rows)->Next(row).value_or(false), true);
  EXPECT_EQ(row.json, "{\"id\":3}");
}

TEST_F(SqliteTest, ARowThatIsNoRecordIsToldAndOthersAreRead) {
  RunSqlite(SqliteFile(),
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a);"
            "INSERT INTO t VALUES (1, CAST(x'ff' AS TEXT)), (2, zeroblob(20000000)), (3, 'fine')");
  EXPECT_EQ(Rows("SELECT id, a FROM t"),
            "QUERY_NOT_UTF8 in column 2: its text is not UTF-8\n"
            "QUERY_ROW_TOO_LARGE: the row has more than 16777216 bytes\n"
            "{\"id\":3,\"a\":\"fine\"}\n");
}

TEST_F(SqliteTest, AFileThatIsMissingOrLockedMayCome) {
  EXPECT_TRUE(absl::IsUnavailable(Check("SELECT 1 AS id")));
  RunSqlite(SqliteFile(), "CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const testing::SqliteLock lock(SqliteFile());
  EXPECT_TRUE(absl::IsUnavailable(Check("SELECT id FROM t"))) << "waits for a second";
}

TEST_F(SqliteTest, AStepThatTakesLongEndsWhenItIsToStop) {
  RunSqlite(SqliteFile(), "CREATE TABLE t (id)");
  std::stop_source stop;
  stop.request_stop();
  const auto rows = QueryRows::Open(Sqlite(), kEndless, {}, clock_, stop.get_token());
  EXPECT_TRUE(absl::IsUnavailable(rows.status())) << rows.status();
}

TEST_F(SqliteTest, AStatementThatNeverEndsIsEnded) {
  /// A minute passes whenever it is looked at.
  class FastClock final : public model::Clock {
   public:
    absl::Time Now() const override { return testing::At(0); }
    int64_t SteadyNanos() const override { return ++looks_ * 60'000'000'000; }
    void WaitUntil(std::condition_variable_any&, absl::Mutex&, int64_t) const override {}

   private:
    mutable int64_t looks_ = 0;
  };
  RunSqlite(SqliteFile(), "CREATE TABLE t (id)");
  const FastClock clock;
  const auto rows = QueryRows::Open(Sqlite(), kEndless, {}, clock);
  EXPECT_TRUE(absl::IsDeadlineExceeded(rows.status())) << rows.status();
}

}  // namespace
}  // namespace millrace::queries
