#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/handlers/record_lister.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsError;
using testing::IsOk;

/// `n` fails from a bound on, which is 10 in version 1.0.0.
constexpr char kBounded[] = R"yaml(
service: demo/bounded
version: 1.0.0
inputs: {n: {type: number}}
nodes: {out: {lua: "n < 10 and n * 2 or fail('TOO_LARGE', 'n is ' .. n)"}}
outputs: [out]
)yaml";

class RetryJobTest : public HandlersFixture {
 protected:
  std::string Create(bool ordered = false, int64_t input_buffer_bytes = 0) {
    CreateService(kBounded);
    v1::CreatePipelineRequest request;
    request.set_service("demo/bounded");
    request.mutable_options()->set_order_results(ordered);
    if (input_buffer_bytes > 0) request.mutable_options()->set_input_buffer_bytes(input_buffer_bytes);
    return CreatePipeline(request, call_, deps_)->id();
  }

  /// A completed job whose chunks are these.
  std::string Run(const std::vector<std::string>& chunks) {
    std::string job = Create();
    StartWorkers();
    for (const std::string& lines : chunks) EXPECT_THAT(PushLines(job, lines), IsOk());
    EXPECT_THAT(store_->CloseJob(call_.job(job)), IsOk());
    AwaitCommitted(job);
    return job;
  }

  /// An open job with these chunks of one record, all run, in whose input buffer two of them fit.
  std::string RunWithLittleRoom(const std::vector<std::string>& chunks) {
    std::string job = Create(/*ordered=*/false, /*input_buffer_bytes=*/20);
    StartWorkers();
    for (const std::string& line : chunks) {
      EXPECT_THAT(PushLines(job, line), IsOk());
      AwaitCommitted(job);
    }
    return job;
  }

  /// How many events tell that records are run again which had succeeded.
  int64_t Told(const std::string& job) {
    const auto events = store_->ListJobEvents(call_.job(job), 0, 100);
    EXPECT_THAT(events, IsOk());
    return std::ranges::count(*events, model::JobEventKind::kRecordsRepeated, &model::JobEvent::kind);
  }

  /// Moves the job to a version with another formula.
  void MoveTo(const std::string& job, const std::string& version, const std::string& formula) {
    CreateService(absl::StrReplaceAll(kBounded, {{"1.0.0", version}, {"n < 10 and n * 2", formula}}));
    v1::UpdateJobRequest update;
    update.set_job_id(job);
    update.mutable_update_mask()->add_paths("service_version");
    update.set_service_version(version);
    ASSERT_THAT(UpdateJob(update, call_, deps_), IsOk());
  }

  static v1::RetryJobRequest Of(const std::string& job) {
    v1::RetryJobRequest request;
    request.set_job_id(job);
    request.set_note("why");
    return request;
  }
  static v1::RetryJobRequest Failed(const std::string& job) {
    v1::RetryJobRequest request = Of(job);
    request.set_failed(true);
    return request;
  }
  static v1::RetryJobRequest OtherCode(const std::string& job) {
    v1::RetryJobRequest request = Of(job);
    request.set_other_code_than_job(true);
    return request;
  }

  absl::StatusOr<v1::RetryJobResponse> Retry(const v1::RetryJobRequest& request) {
    return RetryJob(request, call_, deps_);
  }

  /// Each record, in push order: its outputs, or its state.
  std::vector<std::string> Export(const std::string& job) {
    v1::ListRecordsRequest list;
    list.set_job_id(job);
    std::vector<std::string> records;
    const auto response = ListRecords(list, call_, deps_);
    EXPECT_THAT(response, IsOk());
    for (const v1::Record& record : response->records()) {
      const bool completed = record.state() == v1::RECORD_STATE_COMPLETED;
      records.push_back(completed ? record.outputs() : v1::RecordState_Name(record.state()).substr(13));
    }
    return records;
  }

  model::JobPtr Job(const std::string& job) { return *store_->GetJob(call_.job(job)); }
  model::JobCounters CountersOf(const std::string& job) { return Job(job)->counters; }
};

TEST_F(RetryJobTest, WhatFailedRunsAgainUnderTheCodeThatTheJobHasNow) {
  const std::string job = Run({"{\"n\":1}\n{\"n\":50}\n"});
  MoveTo(job, "1.1.0", "n < 60 and n * 2");
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse response, Retry(Failed(job)));
  EXPECT_EQ(response.failed_record_count(), 1);
  EXPECT_EQ(response.completed_record_count(), 0);
  EXPECT_FALSE(response.more());
  AwaitCommitted(job);
  EXPECT_THAT(Export(job), ElementsAre("{\"out\":2}", "{\"out\":100}"));
  EXPECT_EQ(Retry(Failed(job))->failed_record_count(), 0) << "nothing is left";
}

TEST_F(RetryJobTest, AJobThatHadEndedEndsOnceHoweverManyChunksRunAgain) {
  const std::string job = Run({"{\"n\":1}\n", "{\"n\":2}\n", "{\"n\":3}\n", "{\"n\":50}\n"});
  MoveTo(job, "1.1.0", "n < 60 and n * 3");
  const auto ends = [&] {
    const auto events = store_->ListJobEvents(call_.job(job), 0, 100);
    return std::ranges::count_if(*events, [](const model::JobEvent& event) {
      return event.kind == model::JobEventKind::kStateChanged && event.to_state == model::JobState::kCompleted;
    });
  };
  ASSERT_EQ(ends(), 1);
  ASSERT_THAT(Retry(OtherCode(job)), IsOk());
  AwaitCommitted(job);
  EXPECT_EQ(ends(), 2);
}

TEST_F(RetryJobTest, ChunksThatRanUnderOtherCodeRunAgainWhole) {
  const std::string job = Run({"{\"n\":1}\n{\"n\":50}\n{\"n\":2}\n", "{\"n\":3}\n"});
  MoveTo(job, "1.1.0", "n < 60 and n * 3");
  v1::RetryJobRequest request = OtherCode(job);
  request.set_preview(true);
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse preview, Retry(request));
  EXPECT_EQ(preview.completed_record_count(), 3);
  EXPECT_EQ(preview.failed_record_count(), 1);
  EXPECT_EQ(preview.job().state(), v1::JOB_STATE_COMPLETED);

  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse response, Retry(OtherCode(job)));
  EXPECT_EQ(response.completed_record_count(), 3);
  EXPECT_EQ(response.failed_record_count(), 1);
  EXPECT_EQ(response.after_sequence(), response.up_to_sequence());
  AwaitCommitted(job);
  EXPECT_THAT(Export(job), ElementsAre("{\"out\":3}", "{\"out\":150}", "{\"out\":6}", "{\"out\":9}"));
  EXPECT_EQ(CountersOf(job).records_completed, 4);
  EXPECT_EQ(CountersOf(job).records_failed, 0);
  EXPECT_EQ(CountersOf(job).records_submitted, 4);

  const auto results = PullAfter(job, 2);
  ASSERT_THAT(results, IsOk());
  ASSERT_EQ(results->results_size(), 3) << "what was pulled before is not changed";
  const v1::ChunkResult& first = results->results(0);
  ASSERT_EQ(first.replaces_size(), 2) << "the first and the third record of the first chunk";
  EXPECT_EQ(first.replaces(0).sequence(), 1);
  EXPECT_EQ(first.replaces(1).first_index(), 2);
  EXPECT_EQ(first.replaces(1).count(), 1);

  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse again, Retry(OtherCode(job)));
  EXPECT_EQ(again.completed_record_count() + again.failed_record_count(), 0) << "all have newer outcomes";
}

TEST_F(RetryJobTest, ARecordThatSucceededAndFailsUnderTheNewCodeIsAnException) {
  const std::string job = Run({"{\"n\":5}\n{\"n\":1}\n"});
  MoveTo(job, "1.1.0", "n < 3 and n * 3");
  ASSERT_THAT(Retry(OtherCode(job)), IsOk());
  AwaitCommitted(job);
  EXPECT_THAT(Export(job), ElementsAre("FAILED", "{\"out\":3}"));
  EXPECT_EQ(CountersOf(job).records_completed, 1);
  EXPECT_EQ(CountersOf(job).records_failed, 1);
  MoveTo(job, "1.2.0", "n < 9 and n * 4");
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse all, Retry(OtherCode(job)));
  EXPECT_EQ(all.completed_record_count(), 1);
  EXPECT_EQ(all.failed_record_count(), 1);
  AwaitCommitted(job);
  EXPECT_THAT(Export(job), ElementsAre("{\"out\":20}", "{\"out\":4}")) << "through three outcomes each";
  EXPECT_EQ(CountersOf(job).records_completed, 2);
}

TEST_F(RetryJobTest, OneHashAndAPartOfTheJobCanBeChosen) {
  const std::string job = Run({"{\"n\":1}\n", "{\"n\":2}\n"});
  const std::string old_hash = Job(job)->config_hash;
  MoveTo(job, "1.1.0", "n < 10 and n * 3");
  v1::RetryJobRequest request = Of(job);
  request.set_config_hash(old_hash.substr(0, 12));
  request.set_after_sequence(1);
  EXPECT_EQ(Retry(request)->completed_record_count(), 1);
  AwaitCommitted(job);
  EXPECT_THAT(Export(job), ElementsAre("{\"out\":2}", "{\"out\":6}"));
  request.set_after_sequence(0);
  request.set_config_hash(std::string(64, '0'));
  EXPECT_EQ(Retry(request)->completed_record_count(), 0);
  v1::ListChunksRequest list;
  list.set_job_id(job);
  list.set_config_hash(Job(job)->config_hash);
  ASSERT_OK_AND_ASSIGN(const v1::ListChunksResponse chunks, ListChunks(list, call_, deps_));
  ASSERT_EQ(chunks.chunks_size(), 1);
  EXPECT_EQ(chunks.chunks(0).replaces(0).sequence(), 2);
}

TEST_F(RetryJobTest, WhatAPersonDecidedStays) {
  const std::string job = Run({"{\"n\":50}\n{\"n\":60}\n{\"n\":70}\n{\"n\":1}\n"});
  const auto resolve = [&](const std::string& exception, auto&& how) {
    v1::ResolveExceptionRequest request;
    request.set_job_id(job);
    request.set_exception_id(exception);
    how(request);
    EXPECT_THAT(ResolveException(request, call_, deps_), IsOk());
  };
  resolve("1-0", [](auto& request) { request.set_outputs("{\"out\":0}"); });
  resolve("1-1", [](auto& request) { request.set_discard(true); });
  resolve("1-2", [](auto& request) { request.set_corrected_input("{\"n\":7}"); });
  AwaitCommitted(job);
  MoveTo(job, "1.1.0", "n < 99 and n * 3");
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse response, Retry(OtherCode(job)));
  EXPECT_EQ(response.completed_record_count(), 2) << "the corrected one, as corrected, and the last";
  EXPECT_EQ(response.passed_over_count(), 1) << "the discarded one: the others have newer outcomes";
  AwaitCommitted(job);
  EXPECT_THAT(Export(job), ElementsAre("{\"out\":0}", "DISCARDED", "{\"out\":21}", "{\"out\":3}"));
}

TEST_F(RetryJobTest, WhatWaitsIsPassedOver) {
  const std::string job = Run({"{\"n\":1}\n{\"n\":50}\n"});
  MoveTo(job, "1.1.0", "n < 60 and n * 3");
  ASSERT_THAT(store_->PauseJob(call_.job(job), ""), IsError(Reason::kPipelineClosed));
  v1::RetryJobRequest request = Failed(job);
  hub_.Stop();
  ASSERT_THAT(Retry(request), IsOk());
  ASSERT_THAT(Retry(OtherCode(job)), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse again, Retry(OtherCode(job)));
  EXPECT_EQ(again.completed_record_count() + again.failed_record_count(), 0);
  EXPECT_EQ(again.passed_over_count(), 2);
  EXPECT_THAT(Export(job), ElementsAre("{\"out\":2}", "FAILED")) << "the old outcomes stand until then";
}

TEST_F(RetryJobTest, WhatTheBufferDoesNotHoldIsForTheNextCall) {
  const std::string job = RunWithLittleRoom({"{\"n\":1}\n", "{\"n\":2}\n", "{\"n\":3}\n", "{\"n\":4}\n"});
  MoveTo(job, "1.1.0", "n * 3");
  ASSERT_THAT(store_->PauseJob(call_.job(job), ""), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse first, Retry(OtherCode(job)));
  EXPECT_EQ(first.completed_record_count(), 2);
  EXPECT_TRUE(first.more());
  EXPECT_EQ(first.after_sequence(), 2);
  v1::RetryJobRequest next = OtherCode(job);
  next.set_after_sequence(first.after_sequence());
  next.set_up_to_sequence(first.up_to_sequence());
  EXPECT_THAT(Retry(next), IsError(Reason::kInputBufferFull));
  ASSERT_THAT(store_->ResumeJob(call_.job(job), false), IsOk());
  AwaitCommitted(job);
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse rest, Retry(next));
  EXPECT_EQ(rest.completed_record_count(), 2);
  EXPECT_FALSE(rest.more());
  AwaitCommitted(job);
  EXPECT_THAT(Export(job), ElementsAre("{\"out\":3}", "{\"out\":6}", "{\"out\":9}", "{\"out\":12}"));
  EXPECT_EQ(Told(job), 1) << "one event, however many chunks";
}

TEST_F(RetryJobTest, WhatFailedAndDoesNotFitIsForTheNextCallToo) {
  const std::string job = RunWithLittleRoom({"{\"n\":1}\n", "{\"n\":2}\n", "{\"n\":50}\n"});
  MoveTo(job, "1.1.0", "n * 3");
  ASSERT_THAT(store_->PauseJob(call_.job(job), ""), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse first, Retry(OtherCode(job)));
  EXPECT_EQ(first.completed_record_count(), 2);
  EXPECT_TRUE(first.more());
  EXPECT_EQ(first.after_sequence(), 2);
  v1::RetryJobRequest next = OtherCode(job);
  next.set_after_sequence(first.after_sequence());
  next.set_up_to_sequence(first.up_to_sequence());
  ASSERT_THAT(store_->ResumeJob(call_.job(job), false), IsOk());
  AwaitCommitted(job);
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse rest, Retry(next));
  EXPECT_EQ(rest.failed_record_count(), 1);
  AwaitCommitted(job);
  EXPECT_THAT(Export(job), ElementsAre("{\"out\":3}", "{\"out\":6}", "{\"out\":150}"));
}

TEST_F(RetryJobTest, TheFirstCallThatRunsSomethingAgainTellsOfIt) {
  const std::string job = Run({"{\"n\":1}\n", "{\"n\":2}\n"});
  v1::RetryJobRequest request = OtherCode(job);
  request.set_after_sequence(1);
  for (const int64_t told : {1, 2}) {
    MoveTo(job, absl::StrCat("1.", told, ".0"), absl::StrCat("n + ", told));
    ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse response, Retry(request));
    EXPECT_EQ(response.completed_record_count(), 1);
    EXPECT_EQ(Told(job), told);
    AwaitCommitted(job);
  }
}

TEST_F(RetryJobTest, ACancelledJobGoesOnWhereItIsAllowed) {
  const std::string job = Create();
  for (int i = 1; i <= 3; ++i) ASSERT_THAT(PushLines(job, absl::StrCat("{\"n\":", i, "}\n{\"n\":50}\n")), IsOk());
  ASSERT_THAT(store_->CancelJob(call_.job(job), "enough", false), IsOk());
  const absl::Status refused = Retry(Failed(job)).status();
  EXPECT_THAT(refused, IsError(Reason::kPipelineCancelled));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("3 skipped chunks"));

  v1::RetryJobRequest request = Of(job);
  request.set_allow_cancelled(true);
  request.set_preview(true);
  EXPECT_EQ(Retry(request)->taken_up_record_count(), 6);
  EXPECT_EQ(Job(job)->state, model::JobState::kCancelled);
  request.set_preview(false);
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse response, Retry(request));
  EXPECT_EQ(response.taken_up_chunk_count(), 3);
  EXPECT_EQ(response.job().state(), v1::JOB_STATE_CLOSED);
  StartWorkers();
  AwaitCommitted(job);
  EXPECT_THAT(Export(job), ElementsAre("{\"out\":2}", "FAILED", "{\"out\":4}", "FAILED", "{\"out\":6}", "FAILED"));
  EXPECT_EQ(Job(job)->state, model::JobState::kCompleted);
}

TEST_F(RetryJobTest, AnOrderedJobFillsItsGapsBeforeItGoesOn) {
  const std::string job = Create(/*ordered=*/true);
  for (int i = 1; i <= 4; ++i) ASSERT_THAT(PushLines(job, absl::StrCat("{\"n\":", i, "}\n")), IsOk());
  ASSERT_THAT(store_->CancelJob(call_.job(job), "enough", false), IsOk());
  // As one that runs out the cancel does.
  model::ChunkCommit commit{.job = call_.job(job), .sequence = 2, .epoch = store_->epoch(), .attempt = 1};
  commit.outcome = {.json_lines = "{\"out\":4}\n", .record_count = 1};
  ASSERT_THAT(store::Await<model::JobPtr>([&](auto done) { store_->CommitChunk(commit, std::move(done)); }), IsOk());
  v1::RetryJobRequest request = Of(job);
  request.set_allow_cancelled(true);
  ASSERT_THAT(Retry(request), IsOk());
  StartWorkers();
  AwaitCommitted(job);
  EXPECT_THAT(Export(job), ElementsAre("{\"out\":2}", "{\"out\":4}", "{\"out\":6}", "{\"out\":8}"));
}

TEST_F(RetryJobTest, APreviewOfAJobThatIsTakenUpDoesNotCountWhatWaitedInIt) {
  const std::string job = Run({"{\"n\":50}\n{\"n\":60}\n"});
  hub_.Stop();
  ASSERT_TRUE(hub_.AwaitIdle(absl::Seconds(10)));
  v1::RetryJobRequest some = Of(job);
  some.mutable_ids()->add_ids("1-0");
  ASSERT_THAT(Retry(some), IsOk());
  ASSERT_THAT(store_->CancelJob(call_.job(job), "enough", false), IsOk());
  v1::RetryJobRequest request = Failed(job);
  request.set_allow_cancelled(true);
  request.set_preview(true);
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse preview, Retry(request));
  EXPECT_EQ(preview.failed_record_count(), 1);
  EXPECT_EQ(preview.passed_over_count(), 1);
  EXPECT_EQ(preview.taken_up_chunk_count(), 1);
  request.set_preview(false);
  ASSERT_OK_AND_ASSIGN(const v1::RetryJobResponse response, Retry(request));
  EXPECT_EQ(response.failed_record_count(), 1);
}

TEST_F(RetryJobTest, BadRequestsNameTheField) {
  const std::string job = Run({"{\"n\":50}\n"});
  const auto field = [&](const v1::RetryJobRequest& request) { return FieldOf(Retry(request).status()); };
  EXPECT_EQ(field(Of("")), "job_id");
  EXPECT_EQ(field(Of(job)), "selection");
  v1::RetryJobRequest request = Of(job);
  request.mutable_ids();
  EXPECT_EQ(field(request), "ids.ids");
  request.mutable_ids()->add_ids("x");
  EXPECT_EQ(field(request), "ids.ids[0]");
  request.set_fingerprint("");
  EXPECT_EQ(field(request), "fingerprint");
  request.set_fingerprint("0123456789abcdef");
  EXPECT_EQ(field(request), "fingerprint");
  request.set_failed(false);
  EXPECT_EQ(field(request), "failed");
  request.set_config_hash(std::string(11, '0'));
  EXPECT_EQ(field(request), "config_hash");
  request.set_other_code_than_job(false);
  EXPECT_EQ(field(request), "other_code_than_job");
  request = Failed(job);
  request.set_up_to_sequence(-1);
  EXPECT_EQ(field(request), "up_to_sequence");
  request.set_up_to_sequence(0);
  request.set_after_sequence(-1);
  EXPECT_EQ(field(request), "after_sequence");
  EXPECT_THAT(Retry(Failed("none")), IsError(Reason::kPipelineNotFound));
}

}  // namespace
}  // namespace millrace::handlers
