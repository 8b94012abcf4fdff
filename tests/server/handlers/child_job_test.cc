// The jobs that records of bulk runs are: what a record may say, what it takes from the bulk run, and what calls tell of them.
#include "server/handlers/child_job.h"

#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "storage/model/built_in.h"
#include "storage/model/limits.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Reason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ChildJobTest : public HandlersFixture {
 protected:
  ChildJobTest() { CreateService(); }

  /// A bulk run whose records stand in the call, two side by side.
  static v1::SubmitJobRequest BulkOf(const std::string& records, const std::string& id = "bulk") {
    v1::SubmitJobRequest request;
    request.set_service("millrace/jobs");
    request.set_job_id(id);
    request.mutable_options()->set_max_workers(2);
    request.mutable_source()->mutable_inline_()->mutable_records()->set_json_lines(records);
    return request;
  }
  model::JobPtr Bulk(v1::SubmitJobRequest request = BulkOf(kOne)) {
    const auto job = SubmitJob(request, call_, deps_);
    EXPECT_THAT(job, IsOk());
    return *store_->GetJob(call_.job(job->id()));
  }
  absl::StatusOr<core::Child> SubmitRecord(const model::Job& bulk, std::string_view json, int64_t sequence = 1,
                                           std::string_view chunk_parameters = "") {
    return SubmitChild({.bulk = bulk,
                        .place = {.job_id = bulk.id,
                                  .job_create_time = bulk.create_time,
                                  .sequence = sequence,
                                  .index = 0,
                                  .attempt = 1,
                                  .depth = bulk.parent.depth + 1},
                        .json = json,
                        .chunk_parameters_json = chunk_parameters},
                       deps_);
  }
  /// Reads the records of the source of a bulk run into chunks, as the server does in the background.
  void PushRecords(const model::Job& bulk) {
    store::PushChunks push{.job = bulk.key(), .chunks = {}};
    model::SourcePosition position;
    for (const auto& line : {bulk.source.json_lines}) {
      position.offset += static_cast<int64_t>(line.size());
      push.chunks.push_back({.id = "source-1", .json_lines = line, .record_count = 1});
    }
    position.records = position.chunks = 1;
    position.exhausted = true;
    push.source_position = position;
    ASSERT_THAT(
        store::Await<store::PushReceipt>([&](auto done) { store_->PushChunks(std::move(push), std::move(done)); }),
        IsOk());
  }

  static constexpr char kOne[] = R"({"service":"demo/doubler","source":{"range":{"count":10}}})"
                                 "\n";
};

TEST_F(ChildJobTest, ARecordIsWhatSubmitJobTakes) {
  const model::JobPtr bulk = Bulk();
  const auto child = SubmitRecord(*bulk, R"({"service": "demo/doubler[1.0.0]", "name": "retail",
      "source": {"range": {"count": 10, "first": "5"}}, "sample": {"every_n": 2}, "chunk_size": 3, "max_attempts": 4,
      "options": {"max_workers": 3, "record_timeout": "2s"}, "selected_outputs": ["twice"],
      "metadata": {"description": "made up", "tags": ["t"]}})");
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(child->attempts_max, 4);
  const model::Job& job = *child->job;
  EXPECT_EQ(job.service_version, "1.0.0");
  EXPECT_EQ(job.metadata.name, "retail");
  EXPECT_EQ(job.metadata.description, "made up");
  EXPECT_THAT(job.metadata.tags, ElementsAre("t"));
  EXPECT_EQ(job.source.first, 5);
  EXPECT_EQ(job.source.chunk_size, 3);
  EXPECT_EQ(job.options.max_workers, 3);
  EXPECT_EQ(job.options.record_timeout, absl::Seconds(2));
  EXPECT_EQ(job.created_by, "anonymous");

  v1::GetJobRequest get;
  get.set_job_id(job.id);
  const auto shown = GetJob(get, call_, deps_);
  ASSERT_THAT(shown, IsOk());
  EXPECT_EQ(shown->parent_job_id(), "bulk");
  EXPECT_EQ(shown->parent_record(), "1-0");
  EXPECT_EQ(shown->parent_attempt(), 1);
}

TEST_F(ChildJobTest, TheSameRecordAgainIsTheSameJobWhateverChangedMeanwhile) {
  const model::JobPtr bulk = Bulk();
  const auto first = SubmitRecord(*bulk, kOne);
  ASSERT_THAT(first, IsOk());
  clock_.Advance(absl::Hours(1));
  const auto again = SubmitRecord(*bulk, kOne);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->job->id, first->job->id);
  const auto other = SubmitRecord(*bulk, kOne, 2);
  ASSERT_THAT(other, IsOk());
  EXPECT_NE(other->job->id, first->job->id);
}

TEST_F(ChildJobTest, ParametersAreThoseOfTheBulkRunThenTheRecordsThenTheOverride) {
  v1::SubmitJobRequest request = BulkOf(kOne);
  request.mutable_parameters()->MergeFrom(
      *core::ParseJsonObject(R"({"seed":1,"db":{"host":"a","port":1},"gone":true,"list":[1,2]})"));
  const model::JobPtr bulk = Bulk(request);
  const auto child = SubmitRecord(*bulk, R"({"service":"demo/doubler","source":{"range":{"count":1}},
      "parameters":{"db":{"port":2},"own":"x","list":[3]},
      "config_override":{"db":{"user":"u"},"seed":9,"gone":null}})",
                                  1, R"({"seed":5,"chunk":1})");
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(child->job->parameters_json,
            R"({"chunk":1,"db":{"host":"a","port":2,"user":"u"},"list":[3],"own":"x","seed":9})");
}

TEST_F(ChildJobTest, WhatARecordLeavesOutOfItsMetadataIsTheBulkRuns) {
  v1::SubmitJobRequest request = BulkOf(kOne);
  request.mutable_metadata()->set_project("sales");
  request.mutable_metadata()->set_name("the bulk run");
  request.mutable_metadata()->add_tags("nightly");
  request.mutable_metadata()->set_source_system("cron");
  const model::JobPtr bulk = Bulk(request);
  const auto child = SubmitRecord(*bulk, kOne);
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(child->job->metadata.project, "sales");
  EXPECT_EQ(child->job->metadata.name, "") << "a name is of one job";
  EXPECT_THAT(child->job->metadata.tags, ElementsAre("nightly"));
  EXPECT_EQ(child->job->metadata.source_system, "cron");
  const auto own = SubmitRecord(*bulk, R"({"service":"demo/doubler","source":{"range":{"count":1}},
      "metadata":{"project":"risk","tags":["x"]}})",
                                2);
  ASSERT_THAT(own, IsOk());
  EXPECT_EQ(own->job->metadata.project, "risk");
  EXPECT_THAT(own->job->metadata.tags, ElementsAre("x"));
}

TEST_F(ChildJobTest, ARecordThatIsNoJobSaysWhichFieldIsWrong) {
  const model::JobPtr bulk = Bulk();
  const auto why = [&](std::string_view json) {
    const absl::Status status = SubmitRecord(*bulk, json).status();
    EXPECT_FALSE(status.ok()) << json;
    return std::string(status.message());
  };
  EXPECT_THAT(why("17"), HasSubstr("record: expected a ChildJob as JSON"));
  EXPECT_THAT(why("{\"service\":"), HasSubstr("record: expected a ChildJob as JSON"));
  EXPECT_THAT(why(R"({"source":{"range":{"count":1}}})"), HasSubstr("service: is required"));
  EXPECT_THAT(why(R"({"service":"demo/doubler"})"), HasSubstr("source: is required"));
  EXPECT_THAT(why(R"({"service":"demo/doubler","sorce":{}})"), HasSubstr("sorce"));
  EXPECT_THAT(why(R"({"service":"demo/doubler","source":{"range":{"cnt":1}}})"), HasSubstr("cnt"));
  EXPECT_THAT(why(R"({"service":"demo/doubler","source":{"range":{"count":0}}})"), HasSubstr("source.range.count: "));
  EXPECT_THAT(why(R"({"service":"demo/doubler","source":{"range":{"count":1}},"options":{"max_workers":-1}})"),
              HasSubstr("options.max_workers: "));
  EXPECT_THAT(why(R"({"service":"demo/doubler","source":{"range":{"count":1}},"max_attempts":101})"),
              HasSubstr("max_attempts: "));
  EXPECT_THAT(why(R"({"service":"demo/doubler","source":{"range":{"count":1}},"name":"a","metadata":{"name":"b"}})"),
              HasSubstr("name: is the same as metadata.name"));
  EXPECT_THAT(why(R"({"service":"demo/doubler","source":{"range":{"count":1}},"request_id":"a"})"),
              HasSubstr("request_id"));
  EXPECT_THAT(SubmitRecord(*bulk, R"({"service":"no/such","source":{"range":{"count":1}}})"),
              IsError(Reason::kServiceNotFound));
}

TEST_F(ChildJobTest, BulkRunsStandSixteenDeepInsideOneAnotherAndNoDeeper) {
  model::JobPtr bulk = Bulk();
  const std::string nested =
      R"({"service":"millrace/jobs","source":{"inline":{"records":{"structs":[{"service":"demo/doubler"}]}}}})";
  for (int32_t depth = 1; depth <= model::kBulkDepthMax; ++depth) {
    const auto child = SubmitRecord(*bulk, nested);
    ASSERT_THAT(child, IsOk()) << depth;
    EXPECT_EQ(child->job->parent.depth, depth);
    bulk = child->job;
  }
  const absl::Status status = SubmitRecord(*bulk, nested).status();
  EXPECT_THAT(status, IsError(Reason::kFieldInvalid));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at most 16 deep"));
}

TEST_F(ChildJobTest, JobsAreListedByTheirBulkRun) {
  const model::JobPtr bulk = Bulk();
  const auto child = SubmitRecord(*bulk, kOne);
  ASSERT_THAT(child, IsOk());
  v1::ListJobsRequest list;
  list.set_parent_job_id("bulk");
  const auto jobs = ListJobs(list, call_, deps_);
  ASSERT_THAT(jobs, IsOk());
  ASSERT_EQ(jobs->jobs_size(), 1);
  EXPECT_EQ(jobs->jobs(0).id(), child->job->id);
  list.set_parent_job_id("no id");
  EXPECT_EQ(FieldOf(ListJobs(list, call_, deps_).status()), "parent_job_id");
}

TEST_F(ChildJobTest, DeletingABulkRunByForceCancelsWhatWasSetToWorkAgainBelowIt) {
  const model::JobPtr bulk = Bulk();
  PushRecords(*bulk);
  const auto child = SubmitRecord(*bulk, kOne);
  ASSERT_THAT(child, IsOk());
  const model::JobKey key = child->job->key();
  ASSERT_THAT(store_->CancelJob(bulk->key(), "", false), IsOk());
  ASSERT_THAT(store_->CancelJob(key, "", false), IsOk());
  ASSERT_THAT(store_->TakeUpJob(*store_->GetJob(key), "ann"), IsOk());
  v1::DeleteJobRequest request;
  request.set_job_id(bulk->id);
  EXPECT_THAT(DeleteJob(request, call_, deps_), IsError(Reason::kJobNotFinished));
  EXPECT_FALSE(model::IsFinal((*store_->GetJob(key))->state)) << "nobody asked for force";
  request.set_force(true);
  EXPECT_THAT(DeleteJob(request, call_, deps_), IsError(Reason::kJobNotFinished));
  EXPECT_EQ((*store_->GetJob(key))->state, model::JobState::kCancelled);
  EXPECT_THAT(DeleteJob(request, call_, deps_), IsOk());
}

TEST_F(ChildJobTest, TheStatisticsSumUpAllJobsBelowAndCountNoRecordTwice) {
  const model::JobPtr bulk = Bulk();
  PushRecords(*bulk);
  const auto inner = SubmitRecord(*bulk, R"({"service":"millrace/jobs","source":{"inline":{"records":{"structs":[
      {"service":"demo/doubler","source":{"range":{"count":10}}}]}}}})");
  ASSERT_THAT(inner, IsOk());
  const auto leaf = SubmitRecord(*inner->job, kOne);
  ASSERT_THAT(leaf, IsOk());
  ASSERT_THAT(PushLines(leaf->job->id, "{}"), IsError(Reason::kPipelineHasSource));
  ASSERT_THAT(store_->CancelJob(leaf->job->key(), "", false), IsOk());

  v1::GetJobStatisticsRequest request;
  request.set_job_id("bulk");
  const auto statistics = GetJobStatistics(request, call_, deps_);
  ASSERT_THAT(statistics, IsOk());
  const v1::ChildStatistics& children = statistics->children();
  EXPECT_EQ(children.jobs(), 1);
  EXPECT_EQ(children.jobs_below(), 2);
  ASSERT_EQ(children.states_size(), 2);
  EXPECT_EQ(children.records().submitted(), 0);
  EXPECT_TRUE(children.has_percent());
  EXPECT_FALSE(children.partial());
  request.set_job_id(leaf->job->id);
  EXPECT_FALSE(GetJobStatistics(request, call_, deps_)->has_children());
}

TEST_F(ChildJobTest, AnExplanationNamesTheJobsThatABulkRunWaitsFor) {
  const model::JobPtr bulk = Bulk();
  PushRecords(*bulk);
  const auto child = SubmitRecord(*bulk, kOne);
  ASSERT_THAT(child, IsOk());
  v1::ExplainJobRequest request;
  request.set_job_id("bulk");
  const auto explanation = ExplainJob(request, call_, deps_);
  ASSERT_THAT(explanation, IsOk());
  EXPECT_EQ(explanation->children_running(), 1);
  EXPECT_THAT(explanation->child_job_ids(), ElementsAre(child->job->id));
  EXPECT_THAT(explanation->explanation(), HasSubstr(absl::StrCat(" It waits for job ", child->job->id, ".")));
  request.set_sequence(1);
  EXPECT_EQ(ExplainJob(request, call_, deps_)->children_running(), 1);
}

TEST_F(ChildJobTest, AnExplanationSaysWhyTheFirstJobThatNeedsSomebodyGetsNoFurther) {
  const model::JobPtr bulk = Bulk();
  PushRecords(*bulk);
  // One that nothing holds for long, and a bulk run whose job is paused.
  ASSERT_THAT(SubmitRecord(*bulk, kOne), IsOk());
  const auto inner = SubmitRecord(*bulk, R"({"service":"millrace/jobs","source":{"inline":{"records":{"structs":[
      {"service":"demo/doubler","source":{"range":{"count":10}}}]}}}})",
                                  2);
  ASSERT_THAT(inner, IsOk());
  const auto leaf = SubmitRecord(*inner->job, kOne);
  ASSERT_THAT(leaf, IsOk());
  v1::ExplainJobRequest request;
  request.set_job_id("bulk");
  EXPECT_THAT(ExplainJob(request, call_, deps_)->explanation(),
              HasSubstr(" waits: all that was read of its source (0 records) has run"));

  v1::PauseJobRequest pause;
  pause.set_job_id(leaf->job->id);
  pause.set_reason("database is down");
  ASSERT_THAT(PauseJob(pause, call_, deps_), IsOk());
  const std::string explanation = ExplainJob(request, call_, deps_)->explanation();
  EXPECT_THAT(explanation, HasSubstr(absl::StrCat("Job ", leaf->job->id, " waits")));
  EXPECT_THAT(explanation, HasSubstr("(database is down); resume it."));
}

TEST_F(ChildJobTest, AServiceOfThisNameCannotBeCreated) {
  v1::CreateServiceVersionRequest create;
  create.set_definition("service: millrace/jobs\nversion: 2.0.0\noutputs: [a]\ninputs: {a: {}}");
  EXPECT_THAT(CreateServiceVersion(create, call_, deps_), IsError(Reason::kServiceDefinitionInvalid));
}

}  // namespace
}  // namespace millrace::handlers
