// Jobs that read the rows of a query.
#include <fstream>

#include "tests/server/background/source_fixture.h"
#include "tests/server/queries/databases/test_databases.h"

namespace millrace::background {
namespace {

using ::millrace::testing::PostgresServer;
using ::millrace::testing::RunSqlite;
using model::JobKey;
using model::JobSource;
using model::JobState;
using ::testing::HasSubstr;

class QuerySourceTest : public SourceFixture {
 protected:
  QuerySourceTest() { RunSqlite(Path("lite.db"), "CREATE TABLE t (n INTEGER PRIMARY KEY)"); }

  void AddRows(int64_t count) const {
    RunSqlite(Path("lite.db"),
              absl::StrCat("INSERT INTO t WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < ",
                           count - 1, ") SELECT n FROM i"));
  }

  JobSource Sqlite(int32_t chunk_size = 1) {
    WriteFile("connections.yaml", absl::StrCat("lite: {sqlite: ", Path("lite.db").string(), "}\n"));
    connections_ = *queries::Connections::Read(Path("connections.yaml"));
    return SourceOf("lite", "SELECT n FROM t", chunk_size);
  }

  JobSource Postgres(const std::string& query) {
    WriteFile("connections.yaml", absl::StrCat("post: {postgresql: '", PostgresServer::Get()->target(), "'}\n"));
    connections_ = *queries::Connections::Read(Path("connections.yaml"));
    return SourceOf("post", query, 1);
  }

  static JobSource SourceOf(const std::string& connection, const std::string& query, int32_t chunk_size) {
    JobSource source{.kind = model::SourceKind::kQuery};
    source.connection = connection;
    source.query = query;
    source.key_columns = {"n"};
    source.chunk_size = chunk_size;
    return source;
  }

  SourceRun RunTurn(const JobKey& key, bool stops = false) {
    std::stop_source stop;
    if (stops) stop.request_stop();
    return SourceReader(*store_, places_).RunTurn(key, stop.get_token());
  }

  std::string ReasonOf(const JobKey& key) const {
    EXPECT_EQ(Get(key)->state, JobState::kFailed);
    return Get(key)->state_reason;
  }
};

TEST_F(QuerySourceTest, RowsAreReadToTheEnd) {
  AddRows(5);
  EXPECT_EQ(ReadThrough(Sqlite()), Lines(5));
  EXPECT_EQ(ReadThrough(Sqlite(100)), Lines(5));
  RunSqlite(Path("lite.db"), "DELETE FROM t");
  EXPECT_EQ(ReadThrough(Sqlite()), "");
}

TEST_F(QuerySourceTest, SamplesTakeWhatTheySay) {
  AddRows(2'000);
  JobSource source = Sqlite(2);
  source.sample = {.first = 3};
  EXPECT_EQ(ReadThrough(source), Lines(3));
  source.sample = {.every = 700};
  EXPECT_EQ(ReadThrough(source), "{\"n\":0}\n{\"n\":700}\n{\"n\":1400}\n");
}

TEST_F(QuerySourceTest, TheTotalIsKnownAtTheEnd) {
  AddRows(300);
  const JobKey key = Create(Sqlite());
  ASSERT_EQ(SourceReader(*store_, places_).RunOnce(key).next, SourceNext::kMore);
  EXPECT_EQ(model::TotalRecords(*Get(key)), std::nullopt);
  EXPECT_EQ(Get(key)->source_position.key, (std::vector<std::string>{"i255"}));
  ReadAll(*store_, key);
  EXPECT_EQ(model::TotalRecords(*Get(key)), 300);
}

TEST_F(QuerySourceTest, ATurnReadsPiecesOfOneMoment) {
  AddRows(2'000);
  for (const int32_t chunk_size : {1, 3}) {
    model::Job job = JobOf(Sqlite(chunk_size));
    job.id = absl::StrCat("by-", chunk_size);
    const JobKey key = (*store_->CreateJob(std::move(job)))->key();
    const SourceRun turn = RunTurn(key);
    EXPECT_EQ(turn.next, SourceNext::kNothing);
    EXPECT_EQ(turn.records, 2'000);
    EXPECT_EQ(RecordsOf(*store_, key), Lines(2'000));
  }
}

TEST_F(QuerySourceTest, ATurnIsOverAfterSomePiecesAndWhenTheServerStops) {
  AddRows((SourceReader::kTurnPieces + 1) * 256 + 1);
  const JobKey key = Create(Sqlite());
  EXPECT_EQ(RunTurn(key, true).records, 256);
  EXPECT_EQ(RunTurn(key).next, SourceNext::kMore);
  EXPECT_EQ(Get(key)->counters.records_submitted, (SourceReader::kTurnPieces + 1) * 256);
}

TEST_F(QuerySourceTest, APieceThatEndsWithinAChunkIsReadOnWhereItEnded) {
  // Rows of a third of a mebibyte: pieces end because they are full, with a chunk that is begun.
  RunSqlite(Path("lite.db"), "CREATE TABLE wide (n INTEGER PRIMARY KEY, text)");
  std::string expected;
  for (int n = 0; n < 40; ++n) {
    RunSqlite(Path("lite.db"), absl::StrCat("INSERT INTO wide VALUES (", n, ", printf('%.350000c', 'x'))"));
    absl::StrAppend(&expected, "{\"n\":", n, ",\"text\":\"", std::string(350'000, 'x'), "\"}\n");
  }
  JobSource source = Sqlite(5);
  source.query = "SELECT n, text FROM wide";
  for (const bool is_sampled : {false, true}) {
    model::Job job = JobOf(source);
    job.id = is_sampled ? "sampled" : "whole";
    if (is_sampled) job.source.sample.every = 1;
    const JobKey key = (*store_->CreateJob(std::move(job)))->key();
    EXPECT_EQ(RunTurn(key).next, SourceNext::kNothing);
    EXPECT_TRUE(RecordsOf(*store_, key) == expected);
  }
}

TEST_F(QuerySourceTest, ARowThatIsNoRecordIsKeptAndCounted) {
  RunSqlite(Path("lite.db"),
            "CREATE TABLE u (n INTEGER PRIMARY KEY, a); INSERT INTO u VALUES (1, CAST(x'ff' AS TEXT)), (2, 'b')");
  JobSource source = Sqlite();
  source.query = "SELECT * FROM u";
  const JobKey key = Create(source);
  ReadAll(*store_, key);
  EXPECT_EQ(Get(key)->source_position.read_errors, 1);
  EXPECT_EQ(RecordsOf(*store_, key),
            "[\"QUERY_NOT_UTF8 in column 2: its text is not UTF-8\",\"1\"]\n{\"n\":2,\"a\":\"b\"}\n");
}

TEST_F(QuerySourceTest, AQueryThatCannotBeReadFailsTheJob) {
  AddRows(600);
  const JobKey gone = Create(Sqlite());
  ASSERT_EQ(SourceReader(*store_, places_).RunOnce(gone).next, SourceNext::kMore);
  RunSqlite(Path("lite.db"), "ALTER TABLE t RENAME TO u");
  EXPECT_EQ(RunTurn(gone).next, SourceNext::kNothing);
  EXPECT_THAT(ReasonOf(gone), HasSubstr("its source is broken: SQLite, connection lite: no such table: t"));
  RunSqlite(Path("lite.db"), "ALTER TABLE u RENAME TO t; ALTER TABLE t RENAME COLUMN n TO m");
  JobSource source = Sqlite();
  source.query = "SELECT * FROM t";
  model::Job job = JobOf(source);
  job.id = "renamed";
  const JobKey renamed = (*store_->CreateJob(std::move(job)))->key();
  EXPECT_EQ(RunTurn(renamed).next, SourceNext::kNothing);
  EXPECT_THAT(ReasonOf(renamed), HasSubstr("the query has no column 'n'; it has m"));
}

TEST_F(QuerySourceTest, ALockedDatabaseIsTriedAgain) {
  AddRows(600);
  const JobKey key = Create(Sqlite());
  ASSERT_EQ(SourceReader(*store_, places_).RunOnce(key).next, SourceNext::kMore);
  {
    const testing::SqliteLock lock(Path("lite.db"));
    EXPECT_EQ(RunTurn(key).next, SourceNext::kLater);
  }
  EXPECT_EQ(RunTurn(key).next, SourceNext::kNothing);
  EXPECT_EQ(RecordsOf(*store_, key), Lines(600));
}

TEST_F(QuerySourceTest, AConnectionThatIsMissingMayComeBack) {
  AddRows(600);
  const JobKey key = Create(Sqlite());
  connections_ = {};
  EXPECT_EQ(RunTurn(key).next, SourceNext::kLater);
  Sqlite();
  EXPECT_EQ(RunTurn(key).next, SourceNext::kNothing);
}

TEST_F(QuerySourceTest, APostgresServerThatGoesAwayIsTriedAgain) {
  SKIP_WITHOUT_POSTGRES();
  const JobKey key = Create(Postgres("SELECT n FROM generate_series(0, 599) AS n"));
  ASSERT_EQ(SourceReader(*store_, places_).RunOnce(key).next, SourceNext::kMore);
  PostgresServer::Get()->Stop();
  EXPECT_EQ(RunTurn(key).next, SourceNext::kLater);
  PostgresServer::Get()->Start();
  EXPECT_EQ(RunTurn(key).next, SourceNext::kNothing);
  EXPECT_EQ(RecordsOf(*store_, key), Lines(600));
}

}  // namespace
}  // namespace millrace::background
