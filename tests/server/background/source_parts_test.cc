// Sources that are cut into parts: which records become which chunks, whatever ends the reading and wherever.
#include <map>
#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "storage/engine/engine_on_env.h"
#include "storage/model/limits.h"
#include "storage/model/partitioning.h"
#include "storage/store/rocks_job_store_impl.h"
#include "tests/server/background/source_fixture.h"
#include "tests/storage/engine/disk/faulty_disk.h"

namespace millrace::background {
namespace {

using engine::Fault;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobSource;
using model::Partitioning;
using model::PartRange;
using model::SourceKind;
using ::testing::ElementsAre;

class SourcePartsTest : public SourceFixture {
 protected:
  static constexpr int64_t kRecords = 1'000;

  static Partitioning Rule(std::string_view name, std::vector<PartRange> parts = {}) {
    Partitioning partitioning = *model::ParsePartitioning(name);
    if (!parts.empty()) {
      EXPECT_THAT(model::ChooseParts(partitioning, std::move(parts)), IsOk());
    }
    return partitioning;
  }

  static std::vector<Partitioning> Rules() {
    return {Rule("size_90"),
            Rule("size_90", {{0, 2}}),
            Rule("size_90", {{3, 3}, {7, 9}}),
            Rule("every_7"),
            Rule("every_7", {{2, 2}, {5, 6}}),
            Rule("first_300"),
            Rule("first_300", {{1, 1}})};
  }

  /// `{"n":i}` for each index, from a range, a file and the call.
  std::vector<JobSource> Sources(int64_t count = kRecords) const {
    return {{.kind = SourceKind::kRange, .count = count, .field = "n"},
            LinesFile(Lines(count)),
            {.kind = SourceKind::kInline, .json_lines = Lines(count), .count = count}};
  }

  /// The records of each chunk, by their numbers; `part` tells the part of each.
  struct ChunkContent {
    std::optional<int64_t> part;
    std::vector<int64_t> indices;
  };

  static std::vector<ChunkContent> ChunksOf(const store::JobStore& store, const JobKey& key) {
    std::vector<ChunkContent> chunks;
    const model::JobPtr job = *store.GetJob(key);
    for (int64_t sequence = 1; sequence <= job->last_sequence; ++sequence) {
      const model::ChunkInput input = *store.ReadChunk(key, sequence);
      ChunkContent& chunk = chunks.emplace_back();
      chunk.part = input.chunk.part;
      for (const auto& line : absl::StrSplit(input.json_lines, '\n', absl::SkipEmpty())) {
        int64_t index = -1;
        EXPECT_TRUE(absl::SimpleAtoi(absl::StripSuffix(absl::StripPrefix(line, "{\"n\":"), "}"), &index)) << line;
        chunk.indices.push_back(index);
      }
    }
    return chunks;
  }

  /// Each record that is wanted is there once, in a chunk of its part, and those of one part are in their order.
  static void CheckParts(const store::JobStore& store, const JobKey& key, const Partitioning& partitioning,
                         bool with_rest) {
    std::set<int64_t> seen;
    std::map<int64_t, int64_t> newest;
    for (const ChunkContent& chunk : ChunksOf(store, key)) {
      ASSERT_TRUE(chunk.part.has_value());
      for (const int64_t index : chunk.indices) {
        ASSERT_EQ(model::PartOf(partitioning, index), *chunk.part) << index;
        ASSERT_TRUE(seen.insert(index).second) << index << " is there twice";
        const auto [before, is_first] = newest.try_emplace(*chunk.part, index);
        ASSERT_TRUE(is_first || before->second < index) << index << " is out of order";
        before->second = index;
      }
    }
    for (int64_t index = 0; index < kRecords; ++index) {
      const bool is_wanted = with_rest || model::TakesRecord({.partitioning = partitioning}, index);
      ASSERT_EQ(seen.contains(index), is_wanted) << index;
    }
  }

  JobKey CreateAndRead(JobSource source) {
    model::Job job = JobOf(std::move(source));
    job.id = absl::StrCat("job-", ++jobs_);
    JobKey key = (*store_->CreateJob(std::move(job)))->key();
    EXPECT_EQ(ReadAll(*store_, key).next, SourceNext::kNothing);
    return key;
  }

  static model::Job SmallJob(JobSource source, const Partitioning& partitioning) {
    source.sample.partitioning = partitioning;
    model::Job job = JobOf(std::move(source));
    // Some ten pieces.
    job.options.input_buffer_bytes = 1'500;
    return job;
  }
};

TEST_F(SourcePartsTest, APartOfRunsIsOneChunkWhereItFits) {
  JobSource source{.kind = SourceKind::kRange, .count = 25, .field = "n"};
  source.sample.partitioning = Rule("size_10");
  const std::vector<ChunkContent> chunks = ChunksOf(*store_, CreateAndRead(source));
  ASSERT_EQ(chunks.size(), 3);
  EXPECT_THAT(chunks[0].indices, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(chunks[2].indices, ElementsAre(20, 21, 22, 23, 24));
  EXPECT_EQ(chunks[2].part, 2);
}

TEST_F(SourcePartsTest, AChunkSizeCutsWithinTheParts) {
  for (JobSource source : Sources(25)) {
    source.sample.partitioning = Rule("size_10", {{0, 0}, {2, 2}});
    source.chunk_size = 4;
    std::vector<std::vector<int64_t>> chunks;
    for (const ChunkContent& chunk : ChunksOf(*store_, CreateAndRead(source))) chunks.push_back(chunk.indices);
    EXPECT_THAT(chunks, ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7), ElementsAre(8, 9),
                                    ElementsAre(20, 21, 22, 23), ElementsAre(24)));
  }
}

TEST_F(SourcePartsTest, EveryNDealsTheRecordsOut) {
  for (JobSource source : Sources(8)) {
    source.sample.partitioning = Rule("every_3", {{0, 0}, {2, 2}});
    const JobKey key = CreateAndRead(source);
    const std::vector<ChunkContent> chunks = ChunksOf(*store_, key);
    ASSERT_EQ(chunks.size(), 2);
    EXPECT_EQ(chunks[0].part, 0);
    EXPECT_THAT(chunks[0].indices, ElementsAre(0, 3, 6));
    EXPECT_EQ(chunks[1].part, 2);
    EXPECT_THAT(chunks[1].indices, ElementsAre(2, 5));
    EXPECT_EQ(Get(key)->counters.records_submitted, 5);
    EXPECT_EQ(model::TotalRecords(*Get(key)), 5);
  }
}

TEST_F(SourcePartsTest, NoPartIsKeptWaitingBehindThePosition) {
  JobSource source = LinesFile(Lines(10'000));
  source.sample.partitioning = Rule("every_1000");
  source.chunk_size = 2;
  const JobKey key = Create(source);
  int64_t pieces = 0;
  SourceNext next = SourceNext::kMore;
  while (next == SourceNext::kMore) {
    next = SourceReader(*store_, places_).RunOnce(key).next;
    ++pieces;
    EXPECT_EQ(Get(key)->counters.records_submitted, Get(key)->source_position.records);
  }
  EXPECT_GT(pieces, 5);
  EXPECT_EQ(Get(key)->counters.records_submitted, 10'000);
  EXPECT_EQ(Get(key)->source_position.chunks, Get(key)->last_sequence);
}

TEST_F(SourcePartsTest, PartsThatTheSourceDoesNotHaveAreEmpty) {
  for (JobSource source : Sources(10)) {
    source.sample.partitioning = Rule("size_10", {{1, 5}, {1'000'000, 2'000'000}});
    EXPECT_EQ(ReadThrough(source), "");
  }
}

TEST_F(SourcePartsTest, APartFarInsideARangeIsFoundAtOnce) {
  JobSource source{.kind = SourceKind::kRange, .count = model::kSourceRangeCountMax, .field = "n"};
  source.sample.partitioning = Rule("size_3", {{200'000'000'000, 200'000'000'000}});
  EXPECT_EQ(ReadThrough(source), "{\"n\":600000000000}\n{\"n\":600000000001}\n{\"n\":600000000002}\n");
}

TEST_F(SourcePartsTest, TheOtherPartsFollowWheneverTheyAreAskedFor) {
  for (const JobSource& source : Sources()) {
    for (const Partitioning& partitioning : Rules()) {
      if (partitioning.parts.empty()) continue;
      // Before anything is read, in the midst of the parts, and when they are complete.
      for (const int asked_after : {0, 1, 1'000}) {
        SCOPED_TRACE(absl::StrCat("source ", static_cast<int>(source.kind), ", ", model::PartitioningName(partitioning),
                                  " from ", partitioning.parts.front().first, ", after ", asked_after));
        const std::unique_ptr<store::JobStore> store = store::MakeModelJobStore(&clock_);
        AddVersion(*store);
        const JobKey key = (*store->CreateJob(SmallJob(source, partitioning)))->key();
        for (int pieces = 0; pieces < asked_after; ++pieces) {
          const SourceNext next = SourceReader(*store, places_).RunOnce(key).next;
          if (next == SourceNext::kRoom) CommitAll(*store, key);
          if (next == SourceNext::kNothing) break;
        }
        if (asked_after == 1'000) CheckParts(*store, key, partitioning, false);
        ASSERT_THAT(store->ContinueJob(key), IsOk());
        EXPECT_EQ(ReadAll(*store, key).next, SourceNext::kNothing);
        CheckParts(*store, key, partitioning, true);
        EXPECT_FALSE(model::TakesInput(**store->GetJob(key)));
        if (HasFailure()) return;
      }
    }
  }
}

TEST_F(SourcePartsTest, APowerCutAtAnyWriteLosesAndRepeatsNothing) {
  const std::vector<JobSource> sources = Sources();
  const std::vector<Partitioning> rules = Rules();
  for (const Fault fault : {Fault::kPowerCut, Fault::kTornWrite, Fault::kFailedWrite, Fault::kFailedSync}) {
    bool struck = true;
    for (int64_t nth = 1; struck; ++nth) {
      const auto turn = static_cast<size_t>(nth);
      const Partitioning& partitioning = rules[turn % rules.size()];
      const bool with_rest = !partitioning.parts.empty() && turn / rules.size() % 2 == 1;
      SCOPED_TRACE(absl::StrCat("fault ", static_cast<int>(fault), " at ", nth, ", ", PartitioningName(partitioning)));
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
      JobSource source = sources[turn % sources.size()];
      source.sample.partitioning = partitioning;
      source.chunk_size = 2;
      const JobKey key = (*store->CreateJob(JobOf(std::move(source))))->key();
      if (with_rest) {
        ASSERT_THAT(store->ContinueJob(key), IsOk());
      }
      disk.Break(fault, nth);
      ReadAll(*store, key);
      struck = disk.struck();
      store.reset();
      disk.Heal();
      store = open();
      EXPECT_EQ(ReadAll(*store, key).next, SourceNext::kNothing);
      CheckParts(*store, key, partitioning, with_rest);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace millrace::background
