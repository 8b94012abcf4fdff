#include "server/background/source_reader.h"

#include "tests/server/background/source_fixture.h"

namespace millrace::background {
namespace {

using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobSource;
using model::JobState;
using model::SourceKind;
using ::testing::HasSubstr;

class SourceReaderTest : public SourceFixture {
 protected:
  SourceReader reader_{*store_, places_};
};

TEST_F(SourceReaderTest, EachKindOfSourceIsReadToItsEnd) {
  EXPECT_EQ(ReadThrough({.kind = SourceKind::kInline, .json_lines = Lines(5), .count = 5}), Lines(5));
  EXPECT_EQ(ReadThrough({.kind = SourceKind::kIds, .json_lines = "{\"id\":\"a\"}\n", .count = 1}), "{\"id\":\"a\"}\n");
  EXPECT_EQ(ReadThrough({.kind = SourceKind::kRange, .count = 3, .field = "n"}), Lines(3));
  EXPECT_EQ(ReadThrough({.kind = SourceKind::kRange, .first = -1, .count = 2, .field = "a\"b"}),
            "{\"a\\\"b\":-1}\n{\"a\\\"b\":0}\n");
  EXPECT_EQ(ReadThrough(LinesFile("\n" + Lines(4) + "  \n\n")), Lines(4));
  EXPECT_EQ(ReadThrough(CsvFile("a,b\r\n1,\"x\r\ny\"\r\n\r\n2,z")),
            "{\"a\":\"1\",\"b\":\"x\\r\\ny\"}\n"
            "{\"a\":\"2\",\"b\":\"z\"}\n");
}

TEST_F(SourceReaderTest, SamplesTakeWhatTheySay) {
  for (const bool is_first : {true, false}) {
    const model::SourceSample sample = is_first ? model::SourceSample{.first = 3} : model::SourceSample{.every = 3};
    const std::string expected = is_first ? Lines(3) : "{\"n\":0}\n{\"n\":3}\n{\"n\":6}\n{\"n\":9}\n";
    JobSource inline_source{.kind = SourceKind::kInline, .json_lines = Lines(10), .count = 10};
    JobSource range{.kind = SourceKind::kRange, .count = 10, .field = "n"};
    JobSource file = LinesFile(Lines(10));
    for (JobSource* source : {&inline_source, &range, &file}) {
      source->sample = sample;
      source->chunk_size = 2;
      EXPECT_EQ(ReadThrough(*source), expected) << static_cast<int>(source->kind);
    }
  }
}

TEST_F(SourceReaderTest, APositionThatAnotherReaderMovedOnIsReadFromThere) {
  const JobKey key = Create({.kind = SourceKind::kRange, .count = 10, .field = "n", .sample = {.every = 4}});
  EXPECT_EQ(reader_.RunOnce(key).next, SourceNext::kNothing);
  EXPECT_EQ(Get(key)->state, JobState::kClosed);
  ASSERT_THAT(store_->ContinueJob(key), IsOk());
  EXPECT_EQ(reader_.RunOnce(key).records, 7);
  EXPECT_EQ(reader_.RunOnce(key).records, 0) << "nothing is left";
  EXPECT_EQ(Get(key)->counters.records_submitted, 10);
}

TEST_F(SourceReaderTest, ChunksAreNumberedAndCutAsAskedFor) {
  const JobKey key = Create({.kind = SourceKind::kRange, .count = 10, .field = "n", .chunk_size = 4});
  EXPECT_EQ(reader_.RunOnce(key).next, SourceNext::kNothing);
  const model::JobPtr job = Get(key);
  EXPECT_EQ(job->state, JobState::kClosed);
  ASSERT_EQ(job->last_sequence, 3);
  EXPECT_EQ(store_->FindChunk(key, 1)->id, "source-1");
  EXPECT_EQ(store_->FindChunk(key, 3)->id, "source-3");
  EXPECT_EQ(store_->FindChunk(key, 2)->record_count, 4);
  EXPECT_EQ(store_->FindChunk(key, 3)->record_count, 2);
}

TEST_F(SourceReaderTest, AFileWithoutRecordsCompletesItsJob) {
  EXPECT_EQ(ReadThrough(LinesFile("")), "");
  EXPECT_EQ(Get({std::string(testing::kTenant), "job-1"})->state, JobState::kCompleted);
  EXPECT_EQ(ReadThrough(CsvFile("a,b\n")), "");
}

TEST_F(SourceReaderTest, ARowThatIsNoRecordIsKeptAndCounted) {
  const JobKey key = Create(CsvFile("a,b\n1,2\nragged\n3,4\n\"x\"y,5\n\xff,6\n"));
  ReadAll(*store_, key);
  EXPECT_EQ(Get(key)->source_position.read_errors, 3);
  EXPECT_EQ(Get(key)->counters.records_submitted, 5);
  const std::string records = RecordsOf(*store_, key);
  EXPECT_THAT(records, HasSubstr("\n[\"CSV_ROW_RAGGED in line 3: expected 2 cells as in the header, found 1\","
                                 "\"ragged\"]\n"));
  EXPECT_THAT(records, HasSubstr("CSV_QUOTE_MISPLACED in line 5"));
  EXPECT_THAT(records, HasSubstr("CSV_NOT_UTF8 in line 6"));
}

TEST_F(SourceReaderTest, ALineThatIsNoJsonObjectIsKeptAsItIsAndCounted) {
  const std::string lines = "{\"a\":1}\nnot json\n{\"b\":2}\n[1]\n{\"c\":\"\xff\"}\n{}\n";
  const JobKey key = Create(LinesFile(lines));
  ReadAll(*store_, key);
  EXPECT_EQ(Get(key)->source_position.read_errors, 3);
  EXPECT_EQ(Get(key)->counters.records_submitted, 6);
  EXPECT_EQ(RecordsOf(*store_, key), lines);
}

TEST_F(SourceReaderTest, ALineThatTheSampleLeavesOutIsNotCounted) {
  JobSource source = LinesFile("{\"a\":1}\nnot json\n{\"b\":2}\nnot either\n");
  source.sample.every = 2;
  const JobKey key = Create(source);
  ReadAll(*store_, key);
  EXPECT_EQ(Get(key)->source_position.read_errors, 0);
  EXPECT_EQ(Get(key)->counters.records_submitted, 2);
}

TEST_F(SourceReaderTest, AFileThatChangesWhileItIsReadFailsTheJob) {
  JobSource source = LinesFile(Lines(600));
  source.chunk_size = 1;
  const JobKey key = Create(source);
  ASSERT_EQ(reader_.RunOnce(key).next, SourceNext::kMore);
  WriteFile("in.jsonl", Lines(601));
  EXPECT_EQ(reader_.RunOnce(key).next, SourceNext::kNothing);
  EXPECT_EQ(Get(key)->state, JobState::kFailed);
  EXPECT_THAT(Get(key)->state_reason, HasSubstr("its source is broken: the source file "));
  EXPECT_THAT(Get(key)->state_reason, HasSubstr("is not what it was: it had"));
}

TEST_F(SourceReaderTest, AFileOfTheSameSizeThatWasWrittenAnewFailsTheJob) {
  JobSource source = LinesFile(Lines(3));
  source.modify_time -= absl::Seconds(1);
  const JobKey key = Create(source);
  EXPECT_EQ(reader_.RunOnce(key).next, SourceNext::kNothing);
  EXPECT_THAT(Get(key)->state_reason, HasSubstr("it was modified at"));
}

TEST_F(SourceReaderTest, AFileThatCannotBeReadFailsTheJob) {
  const JobKey key = Create(LinesFile(Lines(3)));
  std::filesystem::remove(Path("in.jsonl"));
  EXPECT_EQ(reader_.RunOnce(key).next, SourceNext::kNothing);
  EXPECT_EQ(Get(key)->state, JobState::kFailed);
  EXPECT_THAT(Get(key)->state_reason, HasSubstr("cannot be opened: No such file"));
}

TEST_F(SourceReaderTest, AFolderThatIsAllowedNoMoreFailsTheJob) {
  const JobKey key = Create(LinesFile(Lines(3)));
  const core::SourceFolders none;
  EXPECT_EQ(SourceReader(*store_, {none, connections_, clock_}).RunOnce(key).next, SourceNext::kNothing);
  EXPECT_THAT(Get(key)->state_reason, HasSubstr("is in no source folder of the server (--source-dir)"));
}

TEST_F(SourceReaderTest, RowsThatCannotBeToldApartFailTheJob) {
  const JobKey key = Create(CsvFile("a,b\n1,2\n\"never closed,3\n4,5\n"));
  EXPECT_EQ(reader_.RunOnce(key).next, SourceNext::kNothing);
  EXPECT_EQ(Get(key)->state, JobState::kFailed);
  EXPECT_THAT(Get(key)->state_reason, HasSubstr("in.csv:3: a quote is opened in the row that begins here"));
}

TEST_F(SourceReaderTest, AFullInputBufferIsWaitedFor) {
  model::Job job = JobOf({.kind = SourceKind::kRange, .count = 100, .field = "n", .chunk_size = 3});
  job.options.input_buffer_bytes = 100;
  const JobKey key = (*store_->CreateJob(std::move(job)))->key();
  SourceRun run;
  while ((run = reader_.RunOnce(key)).next == SourceNext::kMore) {
  }
  EXPECT_EQ(run.next, SourceNext::kRoom);
  EXPECT_EQ(run.needed_bytes, 50);
  EXPECT_GT(Get(key)->input_buffer_used_bytes, 50);
  EXPECT_EQ(reader_.RunOnce(key).next, SourceNext::kRoom) << "and nothing has changed";
  EXPECT_EQ(ReadAll(*store_, key).next, SourceNext::kNothing);
  EXPECT_EQ(RecordsOf(*store_, key), Lines(100));
}

TEST_F(SourceReaderTest, ARecordThatNeverFitsFailsTheJob) {
  model::Job job = JobOf(LinesFile(Lines(2) + "{\"text\":\"" + std::string(200, 'x') + "\"}\n"));
  job.options.input_buffer_bytes = 100;
  const JobKey key = (*store_->CreateJob(std::move(job)))->key();
  EXPECT_EQ(ReadAll(*store_, key).next, SourceNext::kNothing);
  EXPECT_EQ(Get(key)->state, JobState::kFailed);
  EXPECT_THAT(Get(key)->state_reason, HasSubstr("record 3 has 212 bytes, and the whole input buffer holds 100"));
}

TEST_F(SourceReaderTest, ALargeRecordIsAChunkOfItsOwn) {
  const std::string large = "{\"text\":\"" + std::string(5'000'000, 'x') + "\"}\n";
  EXPECT_EQ(ReadThrough(LinesFile(Lines(2) + large + large + Lines(1))), Lines(2) + large + large + Lines(1));
}

TEST_F(SourceReaderTest, ALargeFileIsReadInPieces) {
  std::string lines;
  for (int i = 0; i < 1'000; ++i) absl::StrAppend(&lines, "{\"text\":\"", i, std::string(10'000, 'x'), "\"}\n");
  const JobKey key = Create(LinesFile(lines));
  int pieces = 1;
  while (reader_.RunOnce(key).next == SourceNext::kMore) ++pieces;
  EXPECT_EQ(pieces, 3) << "10 MB by 4 MiB";
  EXPECT_EQ(RecordsOf(*store_, key), lines);
}

TEST_F(SourceReaderTest, AJobThatWasClosedOrCancelledOrIsGoneIsLeftAlone) {
  const JobSource range{.kind = SourceKind::kRange, .count = 600, .field = "n", .chunk_size = 1};
  const JobKey closed = Create(range);
  ASSERT_EQ(reader_.RunOnce(closed).next, SourceNext::kMore);
  ASSERT_THAT(store_->CloseJob(closed), IsOk());
  EXPECT_EQ(reader_.RunOnce(closed).next, SourceNext::kNothing);
  EXPECT_EQ(Get(closed)->counters.records_submitted, 256);
  EXPECT_FALSE(Get(closed)->source_position.exhausted);
  EXPECT_EQ(reader_.RunOnce({"default", "nobody"}).next, SourceNext::kNothing);
}

TEST_F(SourceReaderTest, AnInputThatWasReadAndNotClosedIsClosed) {
  const JobKey key = Create({.kind = SourceKind::kRange, .count = 1, .field = "n"});
  store::PushChunks push{.job = key, .chunks = {}, .order = nullptr, .source_position = model::SourcePosition{}};
  push.source_position->exhausted = true;
  ASSERT_THAT(
      store::Await<store::PushReceipt>([&](auto done) { store_->PushChunks(std::move(push), std::move(done)); }),
      IsOk());
  EXPECT_EQ(reader_.RunOnce(key).next, SourceNext::kNothing);
  EXPECT_EQ(Get(key)->state, JobState::kCompleted);
}

}  // namespace
}  // namespace millrace::background
