// Whatever ends the reading of a source, and wherever: who reads on loses and repeats nothing.
#include "storage/engine/engine_on_env.h"
#include "storage/store/rocks_job_store_impl.h"
#include "tests/server/background/source_fixture.h"
#include "tests/server/queries/databases/test_databases.h"
#include "tests/storage/engine/disk/faulty_disk.h"

namespace millrace::background {
namespace {

using engine::Fault;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobSource;
using model::SourceKind;

class SourceCrashTest : public SourceFixture {
 protected:
  static constexpr int64_t kRecords = 1'000;

  /// One of each, in four pieces.
  std::vector<std::pair<JobSource, std::string>> Sources() {
    std::string csv = "n\n";
    std::string records;
    for (int64_t i = 0; i < kRecords; ++i) {
      absl::StrAppend(&csv, i, i % 7 == 0 ? ",ragged\n" : "\n");
      if (i % 7 == 0) {
        absl::StrAppend(&records, "[\"CSV_ROW_RAGGED in line ", i + 2,
                        ": expected 1 cells as in the header, found 2\",\"", i, ",ragged\"]\n");
      } else {
        absl::StrAppend(&records, "{\"n\":\"", i, "\"}\n");
      }
    }
    std::vector<std::pair<JobSource, std::string>> sources = {
        {{.kind = SourceKind::kRange, .count = kRecords, .field = "n"}, Lines(kRecords)},
        {LinesFile(Lines(kRecords)), Lines(kRecords)},
        {CsvFile(csv), records},
        {{.kind = SourceKind::kInline, .json_lines = Lines(kRecords), .count = kRecords}, Lines(kRecords)}};
    AddQueries(sources);
    for (auto& entry : sources) entry.first.chunk_size = 1;
    return sources;
  }

  /// The lines as a job has them that ran a sample first, and was continued.
  static std::string SampleThenRest(const std::string& lines, const model::SourceSample& sample) {
    std::string in_sample;
    std::string rest;
    int64_t index = 0;
    for (const auto& line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
      std::string& part = model::TakesRecord(sample, index++) ? in_sample : rest;
      absl::StrAppend(&part, line, "\n");
    }
    return in_sample + rest;
  }

  /// One of each database that there is.
  void AddQueries(std::vector<std::pair<JobSource, std::string>>& sources) {
    if (!std::filesystem::exists(Path("lite.db"))) {
      testing::RunSqlite(
          Path("lite.db"),
          "CREATE TABLE t AS WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < 999) "
          "SELECT n FROM i ORDER BY n % 7");
    }
    std::string connections = absl::StrCat("lite: {sqlite: ", Path("lite.db").string(), "}\n");
    JobSource query{.kind = SourceKind::kQuery};
    query.connection = "lite";
    query.query = "SELECT n FROM t";
    query.key_columns = {"n"};
    sources.emplace_back(query, Lines(kRecords));
    if (testing::PostgresServer* postgres = testing::PostgresServer::Get(); postgres != nullptr) {
      absl::StrAppend(&connections, "post: {postgresql: '", postgres->target(), "'}\n");
      query.connection = "post";
      query.query = "SELECT n FROM generate_series(0, 999) AS n ORDER BY n % 7";
      sources.emplace_back(query, Lines(kRecords));
    }
    WriteFile("connections.yaml", connections);
    connections_ = *queries::Connections::Read(Path("connections.yaml"));
  }
};

TEST_F(SourceCrashTest, AServerThatIsStartedAnewAfterEachPieceGoesOnWhereItWas) {
  for (const auto& [source, expected] : Sources()) {
    const std::unique_ptr<store::JobStore> store = store::MakeModelJobStore(&clock_);
    AddVersion(*store);
    const JobKey key = (*store->CreateJob(JobOf(source)))->key();
    int pieces = 0;
    do {
      store::ReopenModelJobStore(*store);
      ++pieces;
    } while (SourceReader(*store, places_).RunOnce(key).next == SourceNext::kMore);
    EXPECT_EQ(pieces, 4);
    EXPECT_EQ(RecordsOf(*store, key), expected);
  }
}

TEST_F(SourceCrashTest, WhatASampleLeftOutIsReadOnceWheneverItIsAskedForAndWhateverIsKilled) {
  for (const auto& [source, expected] : Sources()) {
    for (const model::SourceSample& sample : {model::SourceSample{.first = 300}, model::SourceSample{.every = 3}}) {
      if (source.kind == SourceKind::kQuery && sample.every > 0) continue;
      // Before anything is read, in the midst of the sample, and when it is complete.
      for (const int asked_after : {0, 1, 9}) {
        SCOPED_TRACE(
            absl::StrCat("source ", static_cast<int>(source.kind), ", every ", sample.every, ", after ", asked_after));
        const std::unique_ptr<store::JobStore> store = store::MakeModelJobStore(&clock_);
        AddVersion(*store);
        JobSource sampled = source;
        sampled.sample = sample;
        const JobKey key = (*store->CreateJob(JobOf(sampled)))->key();
        for (int pieces = 0; pieces < 20; ++pieces) {
          if (pieces == asked_after) {
            ASSERT_THAT(store->ContinueJob(key), IsOk());
          }
          store::ReopenModelJobStore(*store);
          SourceReader(*store, places_).RunOnce(key);
        }
        EXPECT_EQ(RecordsOf(*store, key), SampleThenRest(expected, sample));
        EXPECT_FALSE(model::TakesInput(**store->GetJob(key)));
        EXPECT_EQ((*store->GetJob(key))->source_position.read_errors,
                  source.format == model::SourceFormat::kCsv ? 143 : 0);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_F(SourceCrashTest, APowerCutAtAnyWriteLosesAndRepeatsNothing) {
  for (const Fault fault : {Fault::kPowerCut, Fault::kTornWrite, Fault::kFailedWrite, Fault::kFailedSync}) {
    const auto sources = Sources();
    bool struck = true;
    for (int64_t nth = 1; struck; ++nth) {
      SCOPED_TRACE(absl::StrCat("fault ", static_cast<int>(fault), " at ", nth));
      const harness::TemporaryFolder data;
      engine::FaultyDisk disk;
      const store::RocksJobStoreOptions options{.folder = data.path(), .clock = &clock_};
      const auto open = [&] {
        auto engine = engine::OpenEngineOnEnv(store::EngineOptionsOf(options), disk.env());
        EXPECT_THAT(engine, IsOk());
        auto opened = store::OpenRocksJobStoreOn(options, *std::move(engine));
        EXPECT_THAT(opened, IsOk());
        return *std::move(opened);
      };
      std::unique_ptr<store::JobStore> store = open();
      AddVersion(*store);
      auto [source, expected] = sources[static_cast<size_t>(nth) % sources.size()];
      // Every other round over the sources, as a sample and its rest.
      const bool sampled = nth / static_cast<int64_t>(sources.size()) % 2 == 0;
      if (sampled) {
        source.sample =
            source.kind == SourceKind::kQuery ? model::SourceSample{.first = 300} : model::SourceSample{.every = 3};
        expected = SampleThenRest(expected, source.sample);
      }
      const JobKey key = (*store->CreateJob(JobOf(source)))->key();
      if (sampled) {
        ASSERT_THAT(store->ContinueJob(key), IsOk());
      }
      disk.Break(fault, nth);
      ReadAll(*store, key);
      struck = disk.struck();
      store.reset();
      disk.Heal();
      store = open();
      EXPECT_EQ(ReadAll(*store, key).next, SourceNext::kNothing);
      EXPECT_EQ(RecordsOf(*store, key), expected);
      EXPECT_EQ((*store->GetJob(key))->counters.records_submitted, kRecords);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace millrace::background
