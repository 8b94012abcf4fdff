// Queries of PostgreSQL.
#include <algorithm>

#include "absl/strings/str_replace.h"
#include "tests/server/queries/query_fixture.h"

namespace millrace::queries {
namespace {

using ::millrace::testing::PostgresServer;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class PostgresTest : public QueryFixture {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_POSTGRES();
    Run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  }

  static void Run(const std::string& statements) { PostgresServer::Get()->Run(statements); }

  std::string Rows(const std::string& query, std::vector<std::string> keys = {"id"}, int rows_max = 1'000'000) const {
    return Read(Postgres(), {.text = query, .key_columns = std::move(keys)}, rows_max);
  }

  absl::Status Check(const std::string& query, std::vector<std::string> keys = {"id"}) const {
    return CheckQuery(Postgres(), {.text = query, .key_columns = std::move(keys)}, clock_);
  }
};

TEST_F(PostgresTest, TypesMapAsDocumented) {
  EXPECT_EQ(
      Rows("SELECT 1::smallint AS id, (-2147483648)::integer AS i, 9223372036854775807::bigint AS big, 7::oid AS o,"
           " 1.5::real AS r, 1e300::double precision AS d, 'NaN'::float8 AS nan, '-Infinity'::float8 AS inf,"
           " true AS yes, false AS no, NULL::integer AS nothing"),
      "{\"id\":1,\"i\":-2147483648,\"big\":9223372036854775807,\"o\":7,\"r\":1.5,\"d\":1e+300,\"nan\":\"NaN\","
      "\"inf\":\"-Infinity\",\"yes\":true,\"no\":false,\"nothing\":null}\n");
  EXPECT_EQ(Rows("SELECT 1 AS id, 12345678901234567890.10::numeric AS n, 'a\"b'::text AS t, 'c'::char(3) AS c,"
                 " '2024-05-01'::date AS day, '2024-05-01 10:00:00+02'::timestamptz AS at, '\\x00ff'::bytea AS b,"
                 " '{\"x\": 1}'::jsonb AS j, ARRAY[1, 2] AS list, interval '1 day 2 hours' AS i"),
            "{\"id\":1,\"n\":\"12345678901234567890.10\",\"t\":\"a\\\"b\",\"c\":\"c  \",\"day\":\"2024-05-01\","
            "\"at\":\"2024-05-01 08:00:00+00\",\"b\":\"\\\\x00ff\",\"j\":\"{\\\"x\\\": 1}\",\"list\":\"{1,2}\","
            "\"i\":\"1 day 02:00:00\"}\n");
}

TEST_F(PostgresTest, ReadingGoesOnBehindKeysOfManyTypes) {
  Run("CREATE TABLE t (i integer, n numeric, f float8, s text, c char(4), d date, z timestamptz, u uuid);"
      "INSERT INTO t SELECT i, i / 7.0, i / 3.0, chr(97 + i), chr(97 + i), date '2024-01-01' + i,"
      " timestamptz '2024-01-01 00:00:00.123456+00' + i * interval '1 hour', md5(i::text)::uuid"
      " FROM generate_series(1, 20) AS i;"
      "UPDATE t SET f = 'NaN' WHERE i = 20; UPDATE t SET f = '-Infinity' WHERE i = 1");
  for (const char* key : {"i", "n", "f", "s", "c", "d", "z", "u"}) {
    const std::string whole = Rows("SELECT * FROM t", {key});
    EXPECT_EQ(std::count(whole.begin(), whole.end(), '\n'), 20) << key << whole;
    for (const int rows : {1, 7}) EXPECT_EQ(Rows("SELECT * FROM t", {key}, rows), whole) << key;
  }
}

TEST_F(PostgresTest, AKeyMayHaveSeveralColumns) {
  Run("CREATE TABLE t AS SELECT a, b::text AS b FROM generate_series(1, 5) AS a, generate_series(1, 5) AS b");
  std::string expected;
  for (int a = 1; a <= 5; ++a) {
    for (int b = 1; b <= 5; ++b) absl::StrAppend(&expected, "{\"a\":", a, ",\"b\":\"", b, "\"}\n");
  }
  for (const int rows : {1, 3, 7}) EXPECT_EQ(Rows("SELECT a, b FROM t", {"a", "b"}, rows), expected);
}

TEST_F(PostgresTest, MoreRowsThanOneFetchAreRead) {
  for (const int count : {999, 1'000, 1'001, 2'000, 2'500}) {
    const std::string rows = Rows(absl::StrCat("SELECT id FROM generate_series(1, ", count, ") AS id"));
    EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), count);
  }
}

TEST_F(PostgresTest, WhatDoesNotReadIsRefused) {
  Run("CREATE TABLE t (id integer); INSERT INTO t VALUES (1); CREATE SEQUENCE s;"
      "CREATE FUNCTION add() RETURNS integer LANGUAGE sql AS 'INSERT INTO t VALUES (2) RETURNING id'");
  EXPECT_THAT(std::string(Check("DELETE FROM t").message()),
              HasSubstr("begins with SELECT, WITH or VALUES, got 'DELETE'"));
  EXPECT_THAT(std::string(Check("WITH a AS (INSERT INTO t VALUES (2) RETURNING id) SELECT id FROM a").message()),
              HasSubstr("data-modifying"));
  EXPECT_THAT(std::string(Check("SELECT id FROM t; DELETE FROM t").message()),
              HasSubstr("cannot insert multiple commands"));
  EXPECT_THAT(std::string(Check("SELECT 1 AS id) AS a; DELETE FROM t; SELECT * FROM (SELECT 1 AS id").message()),
              HasSubstr("syntax error"));
  EXPECT_THAT(std::string(Check("SELECT id FROM t WHERE id = $1").message()), HasSubstr("parameter"));
  EXPECT_THAT(Rows("SELECT id FROM t FOR UPDATE"), HasSubstr("read-only transaction"));
  EXPECT_THAT(Rows("SELECT add() AS id"), HasSubstr("read-only transaction"));
  EXPECT_THAT(Rows("SELECT nextval('s') AS id"), HasSubstr("read-only transaction"));
  EXPECT_THAT(Rows("SELECT set_config('transaction_read_only', 'off', true) AS id"), StartsWith("ERROR"));
  EXPECT_EQ(Rows("SELECT id FROM t"), "{\"id\":1}\n");
}

TEST_F(PostgresTest, WhatIsWrongWithAQueryIsSaid) {
  Run("CREATE TABLE t (id integer, j json)");
  EXPECT_THAT(Check("SELECT id FROM t;"), testing::IsOk());
  EXPECT_THAT(std::string(Check("SELECT id FORM t").message()), HasSubstr("syntax error"));
  EXPECT_THAT(std::string(Check("SELECT id FROM nobody").message()), HasSubstr("relation \"nobody\" does not exist"));
  EXPECT_THAT(std::string(Check("SELECT a.id, b.id FROM t a, t b").message()), HasSubstr("two columns 'id'"));
  EXPECT_THAT(std::string(Check("SELECT j FROM t", {"j"}).message()), HasSubstr("ordering operator for type json"));
  const absl::Status missing = Check("SELECT id FROM t", {"ID"});
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(missing.message(), "the query has no column 'ID'; it has id");
}

TEST_F(PostgresTest, KeysThatDoNotNameARowEndTheReading) {
  Run("CREATE TABLE t (id integer, a text); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (2, 'z'), (3, 'x')");
  for (const int rows : {1, 2, 100}) {
    EXPECT_THAT(Rows("SELECT id, a FROM t", {"id"}, rows), HasSubstr("ERROR two rows have the key (2) in id")) << rows;
  }
  Run("UPDATE t SET id = NULL WHERE a = 'z'");
  EXPECT_THAT(Rows("SELECT id, a FROM t"), StartsWith("ERROR a row has no value in a key column (id)"));
}

TEST_F(PostgresTest, KeysThatTheDatabaseTakesForEqualRepeatNothing) {
  Run("CREATE TABLE t (id numeric, a integer); INSERT INTO t VALUES (1.0, 1), (1.00, 2), (2, 3)");
  EXPECT_THAT(Rows("SELECT id, a FROM t", {"id"}, 1), HasSubstr("ERROR two rows have the key (1.0"));
  EXPECT_EQ(Rows("SELECT id, a FROM t", {"id", "a"}, 1), Rows("SELECT id, a FROM t", {"id", "a"}));
}

TEST_F(PostgresTest, AQueryThatFailsWhileItRunsSaysWhy) {
  EXPECT_THAT(Rows("SELECT id, 10 / (3 - id) AS q FROM generate_series(1, 5) AS id"),
              StartsWith("ERROR PostgreSQL, connection post: division by zero"));
}

TEST_F(PostgresTest, ALostConnectionMayPass) {
  const auto rows = QueryRows::Open(
      Postgres(), {.text = "SELECT id FROM generate_series(1, 100000) AS id", .key_columns = {"id"}}, {}, clock_);
  ASSERT_THAT(rows, testing::IsOk());
  QueryRow row;
  ASSERT_EQ((*rows)->Next(row).value_or(false), true);
  PostgresServer::Get()->EndSessions();
  absl::StatusOr<bool> next = true;
  while (next.ok() && *next) next = (*rows)->Next(row);
  EXPECT_TRUE(absl::IsUnavailable(next.status())) << next.status();
  PostgresServer::Get()->Stop();
  EXPECT_TRUE(absl::IsUnavailable(Check("SELECT 1 AS id")));
  PostgresServer::Get()->Start();
  EXPECT_THAT(Check("SELECT 1 AS id"), testing::IsOk());
}

TEST_F(PostgresTest, TheSecretIsGivenToTheServerAndToNobodyElse) {
  Run("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'hush'");
  Connection connection = Postgres();
  connection.target = absl::StrReplaceAll(connection.target, {{"user=owner", "user=reader"}});
  const Query query{.text = "SELECT 1 AS id", .key_columns = {"id"}};
  EXPECT_THAT(std::string(CheckQuery(connection, query, clock_).message()), HasSubstr("no password supplied"));
  connection.password = "hash";
  const absl::Status wrong = CheckQuery(connection, query, clock_);
  EXPECT_TRUE(absl::IsUnavailable(wrong));
  EXPECT_THAT(std::string(wrong.message()), HasSubstr("password authentication failed"));
  EXPECT_THAT(std::string(wrong.message()), ::testing::Not(HasSubstr("hash")));
  connection.password = "hush";
  EXPECT_THAT(CheckQuery(connection, query, clock_), testing::IsOk());
}

TEST_F(PostgresTest, AStepThatTakesLongEndsWhenItIsToStop) {
  std::stop_source stop;
  stop.request_stop();
  const auto rows = QueryRows::Open(
      Postgres(), {.text = "SELECT count(*) AS id FROM generate_series(1, 1000000000000)", .key_columns = {"id"}}, {},
      clock_, stop.get_token());
  EXPECT_TRUE(absl::IsUnavailable(rows.status())) << rows.status();
}

TEST_F(PostgresTest, ASessionSeesOneMoment) {
  Run("CREATE TABLE t AS SELECT id FROM generate_series(1, 3000) AS id");
  const auto rows = QueryRows::Open(Postgres(), {.text = "SELECT id FROM t", .key_columns = {"id"}}, {}, clock_);
  ASSERT_THAT(rows, testing::IsOk());
  Run("DELETE FROM t WHERE id > 1");
  QueryRow row;
  int count = 0;
  while ((*rows)->Next(row).value_or(false)) ++count;
  EXPECT_EQ(count, 3'000);
}

}  // namespace
}  // namespace millrace::queries
