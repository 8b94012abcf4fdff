#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsError;
using testing::IsOk;

constexpr char kPicky[] = R"yaml(
service: demo/picky
version: 1.0.0
inputs: {n: {type: number}}
nodes: {twice: {lua: "n < 10 and n * (params.factor or 2) or fail('TOO_LARGE', 'n is ' .. n)"
}
}
outputs: [twice]
)yaml";

class ExceptionsTest : public HandlersFixture {
 protected:
  /// A job on kPicky whose records are through.
  std::string RunRecords(const std::string& json_lines) {
    CreateService(kPicky);
    StartWorkers();
    v1::CreatePipelineRequest request;
    request.set_service("demo/picky");
    std::string id = CreatePipeline(request, call_, deps_)->id();
    EXPECT_THAT(PushLines(id, json_lines), IsOk());
    v1::ClosePipelineRequest close;
    close.set_pipeline_id(id);
    EXPECT_THAT(ClosePipeline(close, call_, deps_), IsOk());
    AwaitCommitted(id);
    return id;
  }

  static v1::ResolveExceptionRequest Resolve(const std::string& job, const std::string& exception) {
    v1::ResolveExceptionRequest request;
    request.set_job_id(job);
    request.set_exception_id(exception);
    request.set_note("why");
    return request;
  }

  static v1::ReprocessExceptionsRequest All(const std::string& job) {
    v1::ReprocessExceptionsRequest request;
    request.set_job_id(job);
    request.set_all(true);
    return request;
  }

  v1::RecordException Get(const std::string& job, const std::string& id) {
    v1::GetExceptionRequest request;
    request.set_job_id(job);
    request.set_exception_id(id);
    return GetException(request, call_, deps_).value_or(v1::RecordException());
  }

  v1::JobSummary SummaryOf(const std::string& job) {
    v1::GetJobRequest request;
    request.set_job_id(job);
    return GetJob(request, call_, deps_)->summary();
  }

  std::vector<std::string> OutputsOf(const std::string& job) {
    std::vector<std::string> outputs;
    const auto results = PullAfter(job, 0);
    EXPECT_THAT(results, IsOk());
    for (const v1::ChunkResult& result : results->results()) outputs.push_back(result.json_lines());
    return outputs;
  }
};

TEST_F(ExceptionsTest, ACorrectedInputRunsInPlaceOfTheRecordThatFailed) {
  const std::string job = RunRecords("{\"n\":1}\n{\"n\":50}\n");
  v1::ResolveExceptionRequest request = Resolve(job, "1-1");
  request.set_corrected_input("{\n  \"n\": 5\n}");
  ASSERT_OK_AND_ASSIGN(const v1::RecordException exception, ResolveException(request, call_, deps_));
  EXPECT_EQ(exception.input(), "{\"n\":50}") << "the original is kept";
  EXPECT_EQ(exception.resolution().kind(), v1::RESOLUTION_KIND_CORRECTED_INPUT);
  EXPECT_EQ(exception.resolution().resolved_by(), "anonymous");
  EXPECT_EQ(exception.resolution().note(), "why");
  AwaitCommitted(job);
  EXPECT_EQ(Get(job, "1-1").state(), v1::EXCEPTION_STATE_RESOLVED);
  EXPECT_THAT(OutputsOf(job), ElementsAre("{\"twice\":2}\nnull\n", "{\"twice\":10}\n"));
  EXPECT_EQ(SummaryOf(job).records_completed(), 2);
}

TEST_F(ExceptionsTest, ACorrectionThatFailsIsTheNextException) {
  const std::string job = RunRecords("{\"n\":50}\n");
  v1::ResolveExceptionRequest request = Resolve(job, "1-0");
  request.set_corrected_input("{\"n\":60}");
  ASSERT_THAT(ResolveException(request, call_, deps_), IsOk());
  AwaitCommitted(job);
  EXPECT_EQ(Get(job, "1-0").state(), v1::EXCEPTION_STATE_REPLACED);
  EXPECT_EQ(Get(job, "2-0").replaces_exception_id(), "1-0");
  EXPECT_EQ(Get(job, "2-0").input(), "{\"n\":60}");
  EXPECT_EQ(SummaryOf(job).records_failed(), 1);
}

TEST_F(ExceptionsTest, GivenOutputsAndDiscardsSettleTheRest) {
  const std::string job = RunRecords("{\"n\":50}\n{\"n\":60}\n");
  v1::ResolveExceptionRequest request = Resolve(job, "1-0");
  request.set_outputs("{\"twice\":100}");
  ASSERT_OK_AND_ASSIGN(const v1::RecordException given, ResolveException(request, call_, deps_));
  EXPECT_EQ(given.state(), v1::EXCEPTION_STATE_RESOLVED);
  request = Resolve(job, "1-1");
  request.set_discard(true);
  ASSERT_OK_AND_ASSIGN(const v1::RecordException discarded, ResolveException(request, call_, deps_));
  EXPECT_EQ(discarded.state(), v1::EXCEPTION_STATE_DISCARDED);
  EXPECT_THAT(OutputsOf(job), ElementsAre("null\nnull\n", "{\"twice\":100}\n"));
  EXPECT_EQ(SummaryOf(job).records_discarded(), 1);
  EXPECT_THAT(ResolveException(request, call_, deps_), IsError(Reason::kExceptionSettled));
}

TEST_F(ExceptionsTest, WhatFailedFitsThroughASmallInputBuffer) {
  CreateService(kPicky);
  v1::CreatePipelineRequest create;
  create.set_service("demo/picky");
  create.mutable_options()->set_input_buffer_bytes(100);
  const std::string job = CreatePipeline(create, call_, deps_)->id();
  StartWorkers();
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(PushLines(job, "{\"n\":50}\n{\"n\":51}\n{\"n\":52}\n"), IsOk());
    AwaitCommitted(job);
  }
  ASSERT_THAT(store_->PauseJob(call_.job(job), "so that what is taken waits"), IsOk());
  // Four chunks of two fill the buffer: the rest is for the next call.
  ASSERT_OK_AND_ASSIGN(const v1::ReprocessExceptionsResponse taken, ReprocessExceptions(All(job), call_, deps_));
  EXPECT_GT(taken.record_count(), 1);
  EXPECT_TRUE(taken.more());
  EXPECT_EQ(store_->FindChunk(call_.job(job), 11)->record_count, 2) << "of 9 bytes each, a quarter of the buffer";
}

/// Wall time, of which somebody may be told whenever it is read.
class WatchedClock final : public model::Clock {
 public:
  explicit WatchedClock(std::function<void()> on_read) : on_read_(std::move(on_read)) {}
  absl::Time Now() const override {
    on_read_();
    return absl::UnixEpoch();
  }
  int64_t SteadyNanos() const override { return 0; }
  void WaitUntil(std::condition_variable_any& changed, absl::Mutex& mutex, int64_t nanos) const override {
    model::SystemClock::Get()->WaitUntil(changed, mutex, nanos);
  }

 private:
  const std::function<void()> on_read_;
};

TEST_F(ExceptionsTest, WhatAnotherCallSettlesMeanwhileIsPassedOver) {
  const std::string job = RunRecords("{\"n\":50}\n{\"n\":60}\n{\"n\":70}\n");
  // An id is made when the records are read and not yet stored.
  bool struck = false;
  const WatchedClock clock([&] {
    if (std::exchange(struck, true)) return;
    v1::ResolveExceptionRequest discard = Resolve(job, "1-1");
    discard.set_discard(true);
    ASSERT_THAT(ResolveException(discard, call_, deps_), IsOk());
  });
  model::IdGenerator ids(&clock, 2);
  const Deps deps{
      .store = *store_, .leases = hub_, .compiler = *compiler_, .clock = clock_, .ids = ids, .server = deps_.server};
  ASSERT_OK_AND_ASSIGN(const v1::ReprocessExceptionsResponse response, ReprocessExceptions(All(job), call_, deps));
  EXPECT_TRUE(struck);
  EXPECT_EQ(response.record_count(), 2);
  EXPECT_EQ(response.skipped_count(), 1);
  EXPECT_FALSE(response.more());
}

TEST_F(ExceptionsTest, ReprocessRunsAllAsTheyAreWithTheParametersOfTheirChunk) {
  CreateService(kPicky);
  StartWorkers();
  v1::CreatePipelineRequest create;
  create.set_service("demo/picky");
  const std::string job = CreatePipeline(create, call_, deps_)->id();
  v1::PushRequest push;
  push.set_pipeline_id(job);
  for (const double factor : {3.0, 4.0}) {
    v1::ChunkData& data = *push.add_chunks()->mutable_data();
    data.mutable_inputs()->set_json_lines("{\"n\":50}\n{\"n\":60}\n");
    (*data.mutable_parameters()->mutable_fields())["factor"].set_number_value(factor);
  }
  ASSERT_THAT(Push(push, call_, deps_), IsOk());
  AwaitCommitted(job);

  v1::ReprocessExceptionsRequest request = All(job);
  request.set_preview(true);
  ASSERT_OK_AND_ASSIGN(const v1::ReprocessExceptionsResponse preview, ReprocessExceptions(request, call_, deps_));
  EXPECT_EQ(preview.record_count(), 4);
  EXPECT_EQ(Get(job, "1-0").state(), v1::EXCEPTION_STATE_UNRESOLVED);

  ASSERT_OK_AND_ASSIGN(const v1::ReprocessExceptionsResponse all, ReprocessExceptions(All(job), call_, deps_));
  EXPECT_EQ(all.record_count(), 4);
  EXPECT_EQ(all.up_to_sequence(), 2);
  EXPECT_FALSE(all.more());
  AwaitCommitted(job);
  // They fail again: two chunks, for each kind of parameters one.
  EXPECT_EQ(Get(job, "3-1").replaces_exception_id(), "1-1");
  EXPECT_EQ(Get(job, "4-0").replaces_exception_id(), "2-0");
  request = All(job);
  request.set_up_to_sequence(all.up_to_sequence());
  EXPECT_EQ(ReprocessExceptions(request, call_, deps_)->record_count(), 0) << "what failed again is not meant";
}

TEST_F(ExceptionsTest, ReprocessTakesIdsAndGroupsAndPassesOverWhatIsSettled) {
  const std::string job = RunRecords("{\"n\":50}\n{\"n\":60}\n{\"x\":1}\n");
  v1::ResolveExceptionRequest discard = Resolve(job, "1-0");
  discard.set_discard(true);
  ASSERT_THAT(ResolveException(discard, call_, deps_), IsOk());
  v1::ReprocessExceptionsRequest request;
  request.set_job_id(job);
  *request.mutable_ids()->add_ids() = "1-0";
  *request.mutable_ids()->add_ids() = "1-1";
  ASSERT_OK_AND_ASSIGN(const v1::ReprocessExceptionsResponse some, ReprocessExceptions(request, call_, deps_));
  EXPECT_EQ(some.record_count(), 1);
  EXPECT_EQ(some.skipped_count(), 1);
  AwaitCommitted(job);
  request.set_fingerprint(Get(job, "1-2").fingerprint());
  EXPECT_EQ(ReprocessExceptions(request, call_, deps_)->record_count(), 1);
}

TEST_F(ExceptionsTest, ListsAreFilteredByState) {
  const std::string job = RunRecords("{\"n\":50}\n{\"n\":60}\n");
  v1::ResolveExceptionRequest discard = Resolve(job, "1-0");
  discard.set_discard(true);
  ASSERT_THAT(ResolveException(discard, call_, deps_), IsOk());
  v1::ListExceptionsRequest list;
  list.set_job_id(job);
  list.add_states(v1::EXCEPTION_STATE_UNRESOLVED);
  ASSERT_OK_AND_ASSIGN(const v1::ListExceptionsResponse open, ListExceptions(list, call_, deps_));
  ASSERT_EQ(open.exceptions_size(), 1);
  EXPECT_EQ(open.exceptions(0).id(), "1-1");
  v1::ListExceptionGroupsRequest groups;
  groups.set_job_id(job);
  EXPECT_EQ(ListExceptionGroups(groups, call_, deps_)->groups(0).unresolved_count(), 1);
  list.set_states(0, v1::EXCEPTION_STATE_UNSPECIFIED);
  EXPECT_EQ(FieldOf(ListExceptions(list, call_, deps_).status()), "states[0]");
}

TEST_F(ExceptionsTest, EachRecordIsListedOnceWithItsLatestOutcome) {
  const std::string job = RunRecords("{\"n\":1}\n{\"n\":50}\n{\"n\":60}\n{\"n\":70}\n{\"n\":80}\n");
  v1::ResolveExceptionRequest request = Resolve(job, "1-1");
  request.set_corrected_input("{\"n\":90}");
  ASSERT_THAT(ResolveException(request, call_, deps_), IsOk());
  AwaitCommitted(job);
  request = Resolve(job, "2-0");
  request.set_corrected_input("{\"n\":5}");
  ASSERT_THAT(ResolveException(request, call_, deps_), IsOk());
  request = Resolve(job, "1-2");
  request.set_outputs("{\"twice\":0}");
  ASSERT_THAT(ResolveException(request, call_, deps_), IsOk());
  request = Resolve(job, "1-3");
  request.set_discard(true);
  ASSERT_THAT(ResolveException(request, call_, deps_), IsOk());
  AwaitCommitted(job);

  v1::ListRecordsRequest list;
  list.set_job_id(job);
  list.set_with_input(true);
  ASSERT_OK_AND_ASSIGN(const v1::ListRecordsResponse all, ListRecords(list, call_, deps_));
  ASSERT_EQ(all.records_size(), 5);
  EXPECT_EQ(all.next_page_token(), "");
  EXPECT_EQ(all.records(0).outputs(), "{\"twice\":2}");
  EXPECT_EQ(all.records(1).outputs(), "{\"twice\":10}") << "the second correction";
  EXPECT_EQ(all.records(1).input(), "{\"n\":50}") << "as it was pushed";
  EXPECT_EQ(all.records(2).outputs(), "{\"twice\":0}");
  EXPECT_EQ(all.records(2).config_hash(), "") << "no code ran";
  EXPECT_EQ(all.records(3).state(), v1::RECORD_STATE_DISCARDED);
  EXPECT_EQ(all.records(4).state(), v1::RECORD_STATE_FAILED);
  EXPECT_EQ(all.records(4).exception_id(), "1-4");
  EXPECT_EQ(all.records(4).code(), "TOO_LARGE");

  list.add_states(v1::RECORD_STATE_FAILED);
  EXPECT_EQ(ListRecords(list, call_, deps_)->records_size(), 1);
  list.set_page_token("x");
  EXPECT_THAT(ListRecords(list, call_, deps_), IsError(Reason::kPageTokenInvalid));
}

TEST_F(ExceptionsTest, RecordsComeInPagesOfWholeChunks) {
  const std::string job = CreateDoublerPipeline();
  for (int i = 0; i < 3; ++i) ASSERT_THAT(PushLines(job, "{\"n\":1}\n{\"n\":2}\n"), IsOk());
  v1::ListRecordsRequest list;
  list.set_job_id(job);
  list.set_page_size(3);
  ASSERT_OK_AND_ASSIGN(const v1::ListRecordsResponse first, ListRecords(list, call_, deps_));
  ASSERT_EQ(first.records_size(), 4);
  EXPECT_EQ(first.records(3).state(), v1::RECORD_STATE_PENDING);
  list.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(const v1::ListRecordsResponse second, ListRecords(list, call_, deps_));
  EXPECT_EQ(second.records_size(), 2);
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(ExceptionsTest, QuestionsAreListedApartAndAnsweredWithAnotherInput) {
  CreateService(R"yaml(
service: demo/asking
version: 1.0.0
inputs: {n: {type: number}, sure: {type: boolean, required: false}}
nodes: {m: {lua: "if n < 0 then fail('below zero') end if n > 9 and not sure then hold('is ' .. n .. ' right?') end return n"}}
outputs: [m]
)yaml");
  v1::CreatePipelineRequest create;
  create.set_service("demo/asking");
  create.mutable_options()->set_stop_on_error(true);
  const std::string job = CreatePipeline(create, call_, deps_)->id();
  StartWorkers();
  ASSERT_THAT(PushLines(job, "{\"n\":50}\n{\"n\":1}\n{\"n\":60}\n"), IsOk());
  AwaitCommitted(job);
  v1::ListExceptionsRequest list;
  list.set_job_id(job);
  list.set_held_only(true);
  list.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const v1::ListExceptionsResponse questions, ListExceptions(list, call_, deps_));
  ASSERT_EQ(questions.exceptions_size(), 1);
  EXPECT_EQ(questions.exceptions(0).message(), "is 50 right?");
  EXPECT_EQ(questions.exceptions(0).code(), "HELD");
  EXPECT_TRUE(questions.exceptions(0).held());
  list.set_page_token(questions.next_page_token());
  list.set_held_only(false);
  EXPECT_THAT(ListExceptions(list, call_, deps_), IsError(Reason::kPageTokenInvalid)) << "another list";
  EXPECT_EQ(SummaryOf(job).records_held(), 2);

  v1::ResolveExceptionRequest answer = Resolve(job, "1-0");
  answer.set_corrected_input("{\"n\":50,\"sure\":true}");
  ASSERT_THAT(ResolveException(answer, call_, deps_), IsOk());
  AwaitCommitted(job);
  EXPECT_EQ(SummaryOf(job).records_held(), 1);
  EXPECT_EQ(Get(job, "1-0").state(), v1::EXCEPTION_STATE_RESOLVED);
  ASSERT_THAT(PushLines(job, "{\"n\":-1}\n"), IsOk()) << "stop_on_error has not ended it";
  AwaitCommitted(job);
  EXPECT_FALSE(Get(job, "3-0").held());
}

TEST_F(ExceptionsTest, BadRequestsNameTheField) {
  const std::string job = RunRecords("{\"n\":50}\n");
  const auto field = [&](const v1::ResolveExceptionRequest& request) {
    return FieldOf(ResolveException(request, call_, deps_).status());
  };
  v1::ResolveExceptionRequest request = Resolve(job, "1-0");
  EXPECT_EQ(field(request), "resolution");
  for (const char* input : {"", "[1]", "{\"n\":", "{} {}"}) {
    request.set_corrected_input(input);
    EXPECT_EQ(field(request), "corrected_input") << input;
  }
  request.set_outputs("{\"thrice\":1}");
  EXPECT_EQ(field(request), "outputs");
  EXPECT_THAT(std::string(ResolveException(request, call_, deps_).status().message()), HasSubstr("they have twice"));
  request.set_discard(false);
  EXPECT_EQ(field(request), "discard");
  for (const char* id : {"", "1", "1-", "-1-0", "01-0", "1-0x", "0-0"}) {
    EXPECT_EQ(field(Resolve(job, id)), "exception_id") << id;
  }
  request = Resolve(job, "7-0");
  request.set_discard(true);
  EXPECT_THAT(ResolveException(request, call_, deps_), IsError(Reason::kExceptionNotFound));

  v1::ReprocessExceptionsRequest reprocess;
  reprocess.set_job_id(job);
  EXPECT_EQ(FieldOf(ReprocessExceptions(reprocess, call_, deps_).status()), "selection");
  reprocess.mutable_ids();
  EXPECT_EQ(FieldOf(ReprocessExceptions(reprocess, call_, deps_).status()), "ids.ids");
  reprocess.mutable_ids()->add_ids("x");
  EXPECT_EQ(FieldOf(ReprocessExceptions(reprocess, call_, deps_).status()), "ids.ids[0]");
  reprocess.set_fingerprint("ffff");
  EXPECT_EQ(FieldOf(ReprocessExceptions(reprocess, call_, deps_).status()), "fingerprint");
  reprocess.set_fingerprint("");
  EXPECT_EQ(FieldOf(ReprocessExceptions(reprocess, call_, deps_).status()), "fingerprint");
}

}  // namespace
}  // namespace millrace::handlers
