// Jobs over parts of a source, and several over one source.
#include "server/handlers/source_parts.h"

#include <gmock/gmock.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "tests/server/handlers/handlers_fixture.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::handlers {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Reason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SourcePartsTest : public HandlersFixture {
 protected:
  SourcePartsTest() {
    CreateService();
    WriteFile("n\n1\n2\n");
  }

  void WriteFile(const std::string& text) { std::ofstream(folder_.path() / "in.csv") << text; }

  static v1::SubmitJobRequest Range(int64_t count, const std::string& partitioning = "") {
    v1::SubmitJobRequest request;
    request.set_service("demo/doubler");
    request.mutable_source()->mutable_range()->set_count(count);
    request.set_partitioning(partitioning);
    return request;
  }

  static v1::SubmitJobRequest SourceOf(const std::string& job_id) {
    v1::SubmitJobRequest request;
    request.set_service("demo/doubler");
    request.mutable_source()->mutable_source_of()->set_job_id(job_id);
    return request;
  }

  static void AddParts(v1::SubmitJobRequest& request, int64_t first, int64_t last = 0) {
    request.add_parts()->set_first(first);
    request.mutable_parts()->rbegin()->set_last(last);
  }

  absl::StatusOr<v1::Job> Submit(v1::SubmitJobRequest request) {
    Deps deps = deps_;
    deps.source_folders = &folders_;
    return SubmitJob(request, call_, deps);
  }

  /// The field that is wrong, and why.
  std::string Refusal(const v1::SubmitJobRequest& request) {
    const absl::Status status = Submit(request).status();
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid));
    return std::string(status.message());
  }

  /// Stores a chunk of each of these parts, as the reader of the source does.
  void Read(const std::string& job_id, const std::vector<int64_t>& parts) {
    store::PushChunks push{.job = call_.job(job_id), .chunks = {}, .order = nullptr};
    const auto count = static_cast<int64_t>(parts.size());
    for (const int64_t part : parts) {
      model::NewChunk& chunk = push.chunks.emplace_back();
      chunk.id = absl::StrCat("source-", push.chunks.size());
      chunk.json_lines = "{\"n\":1}\n";
      chunk.record_count = 1;
      chunk.part = part;
    }
    push.source_position = model::SourcePosition{.offset = count, .records = count, .chunks = count, .exhausted = true};
    ASSERT_THAT(
        store::Await<store::PushReceipt>([&](auto done) { store_->PushChunks(std::move(push), std::move(done)); }),
        IsOk());
  }

  const harness::TemporaryFolder folder_;
  const core::SourceFolders folders_ = *core::SourceFolders::Make({folder_.path()});
};

TEST_F(SourcePartsTest, AJobShowsItsPartsAndHowManyRecordsTheyAre) {
  v1::SubmitJobRequest request = Range(1'000, "every_200");
  AddParts(request, 7, 9);
  AddParts(request, 3);
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Submit(request));
  EXPECT_EQ(job.partitioning(), "every_200");
  ASSERT_EQ(job.parts_size(), 2);
  EXPECT_EQ(job.parts(0).first(), 3);
  EXPECT_EQ(job.parts(0).last(), 3);
  EXPECT_EQ(job.parts(1).last(), 9);
  EXPECT_EQ(job.source_progress().total_records(), 20);
  EXPECT_EQ(Submit(Range(1'000, "first_300"))->source_progress().total_records(), 300);
  EXPECT_EQ(Submit(Range(1'000, "size_300"))->source_progress().total_records(), 1'000);
}

TEST_F(SourcePartsTest, WhatDoesNotGoTogetherIsRefused) {
  EXPECT_THAT(Refusal(Range(10, "size")), HasSubstr("partitioning: expected size_N, every_N or first_N"));
  v1::SubmitJobRequest request = Range(10);
  AddParts(request, 1);
  EXPECT_THAT(Refusal(request), HasSubstr("parts: expected a partitioning"));
  request = Range(10, "size_5");
  request.mutable_sample()->set_first_n(3);
  EXPECT_THAT(Refusal(request), HasSubstr("sample: expected none with a partitioning"));
  request = Range(10, "size_5");
  request.set_chunk_size(6);
  EXPECT_THAT(Refusal(request),
              HasSubstr("chunk_size: expected at most 5, because no chunk holds records of two parts"));
  request.set_chunk_size(5);
  EXPECT_THAT(Submit(request), IsOk());
  request = Range(10, "every_5");
  request.mutable_options()->set_ordering_key("n");
  EXPECT_THAT(Refusal(request), HasSubstr("partitioning: expected size_N or first_N with options.ordering_key"));
  request = Range(10, "every_5");
  AddParts(request, 5);
  EXPECT_THAT(Refusal(request), HasSubstr("parts: every_5 has parts 0 to 4, got 5"));
  request = Range(10, "size_5");
  AddParts(request, 5, 4);
  EXPECT_THAT(Refusal(request), HasSubstr("got 5 to 4"));
  request.clear_parts();
  for (int i = 0; i <= model::kPartRangesMax; ++i) AddParts(request, i);
  EXPECT_THAT(Refusal(request), HasSubstr("expected at most 1000 ranges of parts, got 1001"));
}

TEST_F(SourcePartsTest, JobsOverTheSourceOfAnotherReadTheSame) {
  v1::SubmitJobRequest first = Range(100);
  first.mutable_source()->mutable_range()->set_first(7);
  first.mutable_sample()->set_every_n(2);
  first.set_chunk_size(3);
  ASSERT_OK_AND_ASSIGN(const v1::Job one, Submit(first));
  v1::SubmitJobRequest second = SourceOf(one.id());
  second.set_partitioning("size_10");
  ASSERT_OK_AND_ASSIGN(const v1::Job two, Submit(second));
  EXPECT_EQ(two.source().range().first(), 7);
  EXPECT_EQ(two.source_progress().total_records(), 100) << "the sample and the chunk size are the other job's own";
  EXPECT_EQ(store_->GetJob(call_.job(two.id())).value()->source.chunk_size, 0);

  v1::SubmitJobRequest written;
  written.set_service("demo/doubler");
  written.mutable_source()->mutable_inline_()->mutable_records()->set_json_lines("{\"n\":1}\n{\"n\":2}\n");
  ASSERT_OK_AND_ASSIGN(const v1::Job three, Submit(written));
  ASSERT_OK_AND_ASSIGN(const v1::Job four, Submit(SourceOf(three.id())));
  EXPECT_EQ(four.source_progress().total_records(), 2);
  EXPECT_EQ(store_->GetJob(call_.job(four.id())).value()->source.json_lines, "{\"n\":1}\n{\"n\":2}\n");
}

TEST_F(SourcePartsTest, ASourceThatIsNotWhatItWasIsNotTheSame) {
  v1::SubmitJobRequest request;
  request.set_service("demo/doubler");
  request.mutable_source()->mutable_file()->set_path("in.csv");
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Submit(request));
  ASSERT_OK_AND_ASSIGN(const v1::Job same, Submit(SourceOf(job.id())));
  EXPECT_EQ(same.source().file().path(), job.source().file().path());
  WriteFile("n\n1\n2\n3\n");
  EXPECT_THAT(Refusal(SourceOf(job.id())), HasSubstr("is not what it was"));
}

TEST_F(SourcePartsTest, TheOtherJobMustBeThereAndHaveASource) {
  EXPECT_THAT(Refusal(SourceOf("")), HasSubstr("source.source_of.job_id"));
  const absl::Status nobody = Submit(SourceOf("nobody")).status();
  EXPECT_THAT(nobody, IsError(Reason::kPipelineNotFound));
  EXPECT_EQ(FieldOf(nobody), "source.source_of.job_id");
  v1::CreatePipelineRequest create;
  create.set_service("demo/doubler");
  EXPECT_THAT(Refusal(SourceOf(CreatePipeline(create, call_, deps_)->id())), HasSubstr("its records were pushed"));
  ASSERT_OK_AND_ASSIGN(const v1::Job first, Submit(Range(1)));
  v1::SubmitJobRequest request = SourceOf(first.id());
  request.set_request_id("again");
  ASSERT_OK_AND_ASSIGN(const v1::Job second, Submit(request));
  ASSERT_THAT(store_->CancelJob(call_.job(first.id()), "", false), IsOk());
  ASSERT_THAT(store_->DeleteJob(call_.job(first.id())), IsOk());
  EXPECT_EQ(Submit(request)->id(), second.id()) << "a call whose reply was lost";
}

TEST_F(SourcePartsTest, ChunksAndResultsTellTheirPart) {
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Submit(Range(4, "every_2")));
  Read(job.id(), {0, 1, 0, 1});
  StartWorkers();
  AwaitCommitted(job.id());
  v1::ListChunksRequest request;
  request.set_job_id(job.id());
  request.set_part(1);
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(v1::ListChunksResponse page, ListChunks(request, call_, deps_));
  ASSERT_EQ(page.chunks_size(), 1);
  EXPECT_EQ(page.chunks(0).part(), 1);
  EXPECT_EQ(page.chunks(0).sequence(), 2);
  request.set_page_token(page.next_page_token());
  EXPECT_EQ(ListChunks(request, call_, deps_)->chunks(0).sequence(), 4);
  request.set_part(0);
  EXPECT_THAT(ListChunks(request, call_, deps_), IsError(Reason::kPageTokenInvalid)) << "the filter of another list";
  const auto results = PullAfter(job.id(), 0);
  std::vector<int64_t> parts;
  for (const v1::ChunkResult& result : results->results()) {
    EXPECT_TRUE(result.has_part());
    parts.push_back(result.part());
  }
  EXPECT_THAT(parts, ElementsAre(0, 1, 0, 1));
}

TEST_F(SourcePartsTest, OnlyAPartitioningHasParts) {
  v1::ListChunksRequest request;
  request.set_job_id(Submit(Range(4))->id());
  request.set_part(0);
  EXPECT_EQ(FieldOf(ListChunks(request, call_, deps_).status()), "part");
  request.set_job_id(Submit(Range(4, "size_2"))->id());
  request.set_part(-1);
  EXPECT_EQ(FieldOf(ListChunks(request, call_, deps_).status()), "part");
  request.set_part(99);
  EXPECT_THAT(ListChunks(request, call_, deps_), IsOk());
}

TEST_F(SourcePartsTest, TheOtherPartsAreContinuedWith) {
  v1::SubmitJobRequest request = Range(4, "size_2");
  v1::ContinueJobRequest go_on;
  go_on.set_job_id(Submit(request)->id());
  EXPECT_EQ(FieldOf(ContinueJob(go_on, call_, deps_).status()), "job_id") << "it has all parts";
  AddParts(request, 1);
  go_on.set_job_id(Submit(request)->id());
  ASSERT_OK_AND_ASSIGN(const v1::Job job, ContinueJob(go_on, call_, deps_));
  EXPECT_TRUE(job.sample_continued());
  EXPECT_EQ(job.source_progress().total_records(), 4);
  v1::ListJobEventsRequest events;
  events.set_job_id(job.id());
  EXPECT_THAT(ListJobEvents(events, call_, deps_)->events().rbegin()->detail(), HasSubstr("some parts of the source"));
}

}  // namespace
}  // namespace millrace::handlers
