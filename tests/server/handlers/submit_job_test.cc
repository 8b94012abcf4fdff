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
using ::testing::HasSubstr;

class SubmitJobTest : public HandlersFixture {
 protected:
  SubmitJobTest() {
    CreateService();
    std::ofstream(folder_.path() / "in.csv") << "n\n1\n2\n";
    std::ofstream(folder_.path() / "in.data") << "{}\n";
  }

  static v1::SubmitJobRequest Range(int64_t count) {
    v1::SubmitJobRequest request;
    request.set_service("demo/doubler");
    request.mutable_source()->mutable_range()->set_count(count);
    return request;
  }

  static v1::SubmitJobRequest File(const std::string& path) {
    v1::SubmitJobRequest request;
    request.set_service("demo/doubler");
    request.mutable_source()->mutable_file()->set_path(path);
    return request;
  }

  absl::StatusOr<v1::Job> Submit(v1::SubmitJobRequest request) {
    Deps deps = deps_;
    deps.source_folders = &folders_;
    return SubmitJob(request, call_, deps);
  }

  /// The field that is wrong, and what was expected.
  std::string WrongIn(const v1::SubmitJobRequest& request) {
    const absl::Status status = Submit(request).status();
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid));
    EXPECT_THAT(std::string(status.message()), HasSubstr(FieldOf(status) + ": "));
    return FieldOf(status);
  }

  const harness::TemporaryFolder folder_;
  const core::SourceFolders folders_ = *core::SourceFolders::Make({folder_.path()});
};

TEST_F(SubmitJobTest, AJobHasItsSourceAndKnowsItsTotal) {
  v1::SubmitJobRequest request = Range(100);
  request.set_job_id("mine");
  request.mutable_metadata()->set_name("a name");
  request.mutable_sample()->set_every_n(3);
  request.add_selected_outputs("twice");
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Submit(request));
  EXPECT_EQ(job.id(), "mine");
  EXPECT_EQ(job.state(), v1::JOB_STATE_CREATED);
  EXPECT_EQ(job.metadata().name(), "a name");
  EXPECT_EQ(job.source().range().count(), 100);
  EXPECT_EQ(job.source().range().field(), "n");
  EXPECT_EQ(job.sample().every_n(), 3);
  EXPECT_TRUE(job.source_progress().total_known());
  EXPECT_EQ(job.source_progress().total_records(), 34);
  EXPECT_EQ(job.source_progress().records_read(), 0);
}

TEST_F(SubmitJobTest, AFileIsFoundLookedAtAndItsFormatTold) {
  v1::SubmitJobRequest request = File("in.csv");
  request.set_estimated_records(7);
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Submit(request));
  EXPECT_THAT(job.source().file().path(), ::testing::EndsWith("/in.csv"));
  EXPECT_EQ(job.source().file().format(), v1::FILE_FORMAT_CSV);
  EXPECT_EQ(job.source().file().size_bytes(), 6);
  EXPECT_TRUE(job.source().file().has_modify_time());
  EXPECT_FALSE(job.source_progress().total_known());
  EXPECT_EQ(job.source_progress().total_records(), 7);
}

TEST_F(SubmitJobTest, WhatIsWrittenOutIsStoredAndNotReturned) {
  v1::SubmitJobRequest ids;
  ids.set_service("demo/doubler");
  ids.mutable_source()->mutable_ids()->add_ids("a\"b");
  ids.mutable_source()->mutable_ids()->add_ids("c");
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Submit(ids));
  EXPECT_EQ(job.source().ids().ids_size(), 0);
  EXPECT_EQ(job.source().ids().field(), "id");
  EXPECT_EQ(job.source_progress().total_records(), 2);
  EXPECT_EQ((*store_->GetJob(call_.job(job.id())))->source.json_lines, "{\"id\":\"a\\\"b\"}\n{\"id\":\"c\"}\n");

  v1::SubmitJobRequest records;
  records.set_service("demo/doubler");
  records.mutable_source()->mutable_inline_()->mutable_records()->set_json_lines("{\"n\":1}\n\n{\"n\":2}");
  ASSERT_OK_AND_ASSIGN(const v1::Job other, Submit(records));
  EXPECT_TRUE(other.source().has_inline_());
  EXPECT_FALSE(other.source().inline_().has_records());
  EXPECT_EQ((*store_->GetJob(call_.job(other.id())))->source.json_lines, "{\"n\":1}\n{\"n\":2}\n");
}

TEST_F(SubmitJobTest, TheSameRequestAgainIsTheSameJob) {
  v1::SubmitJobRequest request;
  request.set_service("demo/doubler");
  request.set_request_id("once");
  request.mutable_source()->mutable_inline_()->mutable_records()->set_json_lines("{\"n\":1}\n");
  ASSERT_OK_AND_ASSIGN(const v1::Job first, Submit(request));
  ASSERT_OK_AND_ASSIGN(const v1::Job again, Submit(request));
  EXPECT_EQ(again.id(), first.id());
  request.mutable_source()->mutable_inline_()->mutable_records()->set_json_lines("{\"n\":2}\n");
  EXPECT_THAT(Submit(request), IsError(Reason::kRequestIdReused));
}

TEST_F(SubmitJobTest, ASampledJobIsContinued) {
  v1::SubmitJobRequest request = File("in.csv");
  request.mutable_sample()->set_first_n(1);
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Submit(request));
  EXPECT_FALSE(job.sample_continued());
  Deps deps = deps_;
  deps.source_folders = &folders_;
  v1::ContinueJobRequest go_on;
  go_on.set_job_id(job.id());
  ASSERT_OK_AND_ASSIGN(const v1::Job continued, ContinueJob(go_on, call_, deps));
  EXPECT_TRUE(continued.sample_continued());
  EXPECT_EQ(continued.sample().first_n(), 1);
  std::filesystem::remove(folder_.path() / "in.csv");
  EXPECT_THAT(ContinueJob(go_on, call_, deps), IsOk()) << "a second call changes nothing";
}

TEST_F(SubmitJobTest, WhatCannotBeContinuedIsSaidBeforeAnythingChanges) {
  Deps deps = deps_;
  deps.source_folders = &folders_;
  v1::ContinueJobRequest go_on;
  EXPECT_EQ(FieldOf(ContinueJob(go_on, call_, deps).status()), "job_id");
  go_on.set_job_id("nobody");
  EXPECT_THAT(ContinueJob(go_on, call_, deps), IsError(Reason::kPipelineNotFound));
  go_on.set_job_id(Submit(Range(10))->id());
  EXPECT_THAT(std::string(ContinueJob(go_on, call_, deps).status().message()), HasSubstr("submitted with a sample"));
  v1::SubmitJobRequest request = File("in.csv");
  request.mutable_sample()->set_first_n(1);
  go_on.set_job_id(Submit(request)->id());
  std::ofstream(folder_.path() / "in.csv", std::ios::app) << "3\n";
  const absl::Status changed = ContinueJob(go_on, call_, deps).status();
  EXPECT_EQ(FieldOf(changed), "job_id");
  EXPECT_THAT(std::string(changed.message()), HasSubstr("is not what it was: it had 6 bytes"));
  EXPECT_FALSE((*store_->GetJob(call_.job(go_on.job_id())))->source.sample.continued);
}

TEST_F(SubmitJobTest, ARepeatedCallIsAnsweredThoughItsFileIsGone) {
  v1::SubmitJobRequest request = File("in.csv");
  request.set_request_id("nightly-1");
  // Maps have no order.
  for (const char* label : {"gpu", "zone", "disk", "os", "arch", "tier"}) {
    (*request.mutable_options()->mutable_worker_selector())[label] = "any";
  }
  ASSERT_OK_AND_ASSIGN(const v1::Job first, Submit(request));
  std::filesystem::remove(folder_.path() / "in.csv");
  for (int i = 0; i < 20; ++i) {
    v1::SubmitJobRequest again;
    ASSERT_TRUE(again.ParseFromString(request.SerializeAsString()));
    ASSERT_OK_AND_ASSIGN(const v1::Job job, Submit(again));
    EXPECT_EQ(job.id(), first.id());
  }
  request.set_chunk_size(7);
  EXPECT_THAT(Submit(request).status(), IsError(Reason::kFieldInvalid)) << "another request, whose file is gone";
  request.mutable_source()->mutable_range()->set_count(1);
  EXPECT_THAT(Submit(request), IsError(Reason::kRequestIdReused));
}

TEST_F(SubmitJobTest, PushesAreRefused) {
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Submit(Range(10)));
  const absl::Status refused = PushLines(job.id(), "{\"n\":1}\n").status();
  EXPECT_THAT(refused, IsError(Reason::kPipelineHasSource));
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SubmitJobTest, ASourceIsRequired) {
  v1::SubmitJobRequest request;
  request.set_service("demo/doubler");
  EXPECT_EQ(WrongIn(request), "source");
  request.mutable_source();
  EXPECT_EQ(WrongIn(request), "source");
  request.mutable_source()->mutable_inline_();
  EXPECT_THAT(Submit(request), IsError(Reason::kChunkEmpty));
  request.mutable_source()->mutable_ids();
  EXPECT_EQ(WrongIn(request), "source.ids.ids");
}

TEST_F(SubmitJobTest, NumbersOutOfRangeAreNamed) {
  EXPECT_EQ(WrongIn(Range(0)), "source.range.count");
  EXPECT_EQ(WrongIn(Range(-1)), "source.range.count");
  EXPECT_EQ(WrongIn(Range(model::kSourceRangeCountMax + 1)), "source.range.count");
  v1::SubmitJobRequest request = Range(2);
  request.mutable_source()->mutable_range()->set_first(model::kSourceNumberMax);
  EXPECT_EQ(WrongIn(request), "source.range.first");
  request.mutable_source()->mutable_range()->set_first(model::kSourceNumberMax - 1);
  EXPECT_THAT(Submit(request), IsOk());
  request.mutable_source()->mutable_range()->set_first(std::numeric_limits<int64_t>::min());
  EXPECT_EQ(WrongIn(request), "source.range.first");

  request = Range(2);
  request.mutable_source()->mutable_range()->set_field(std::string(129, 'a'));
  EXPECT_EQ(WrongIn(request), "source.range.field");
  request = Range(2);
  request.mutable_sample();
  EXPECT_EQ(WrongIn(request), "sample");
  request.mutable_sample()->set_first_n(0);
  EXPECT_EQ(WrongIn(request), "sample.first_n");
  request.mutable_sample()->set_every_n(-3);
  EXPECT_EQ(WrongIn(request), "sample.every_n");
  request = Range(2);
  request.set_chunk_size(model::kChunkRecordsMax + 1);
  EXPECT_EQ(WrongIn(request), "chunk_size");
  request = Range(2);
  request.set_estimated_records(-1);
  EXPECT_EQ(WrongIn(request), "estimated_records");
  request = Range(2);
  request.set_job_id("not an id");
  EXPECT_EQ(WrongIn(request), "job_id");
}

TEST_F(SubmitJobTest, WhatIsTooLargeToBeWrittenOutIsRefused) {
  v1::SubmitJobRequest request;
  request.set_service("demo/doubler");
  request.mutable_source()->mutable_inline_()->mutable_records()->set_json_lines(
      std::string(model::kSourceInlineBytesMax, 'x'));
  EXPECT_EQ(WrongIn(request), "source.inline.records");
  for (size_t i = 0; i < 2'000; ++i) request.mutable_source()->mutable_ids()->add_ids(std::string(1'000, 'a'));
  EXPECT_EQ(WrongIn(request), "source.ids.ids");
  request.mutable_source()->mutable_ids()->clear_ids();
  request.mutable_source()->mutable_ids()->add_ids("");
  EXPECT_EQ(WrongIn(request), "source.ids.ids[0]");
}

TEST_F(SubmitJobTest, FilesAreReadFromSourceFoldersAlone) {
  EXPECT_EQ(WrongIn(File("../in.csv")), "source.file.path");
  EXPECT_EQ(WrongIn(File("/etc/in.csv")), "source.file.path");
  EXPECT_EQ(WrongIn(File("nobody.csv")), "source.file.path");
  EXPECT_EQ(WrongIn(File("in.data")), "source.file.format");
  v1::SubmitJobRequest request = File("in.data");
  request.mutable_source()->mutable_file()->set_format(v1::FILE_FORMAT_JSONL);
  EXPECT_THAT(Submit(request), IsOk());
  request = File("in.csv");
  const absl::Status refused = SubmitJob(request, call_, deps_).status();
  EXPECT_THAT(refused, IsError(Reason::kSourceFilesNotEnabled));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("--source-dir"));
}

TEST_F(SubmitJobTest, WhatAnotherJobHasIsReadOnceItHasEnded) {
  const std::string other = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(other, "{\"n\":1}\n{}\n{\"n\":3}\n{}\n"), IsOk());
  StartWorkers();
  AwaitCommitted(other);
  v1::SubmitJobRequest results;
  results.set_service("demo/doubler");
  results.mutable_source()->mutable_results()->set_job_id(other);
  v1::SubmitJobRequest exceptions = results;
  exceptions.mutable_source()->mutable_exceptions()->set_job_id(other);

  for (const v1::SubmitJobRequest& request : {results, exceptions}) {
    const absl::Status refused = Submit(request).status();
    EXPECT_THAT(refused, IsError(Reason::kJobNotFinished)) << "it may come to have more";
    EXPECT_THAT(FieldOf(refused), ::testing::EndsWith(".job_id"));
  }
  ASSERT_THAT(store_->CloseJob(call_.job(other)), IsOk());
  exceptions.mutable_source()->mutable_exceptions()->set_fingerprint("ffffffffffffffff");
  EXPECT_EQ(WrongIn(exceptions), "source.exceptions.fingerprint") << "nobody would notice a job without records";
  exceptions.mutable_source()->mutable_exceptions()->clear_fingerprint();
  exceptions.mutable_sample()->set_first_n(1);
  ASSERT_OK_AND_ASSIGN(v1::Job job, Submit(results));
  EXPECT_EQ(job.source().results().job_id(), other);
  EXPECT_FALSE(job.source_progress().total_known());
  EXPECT_EQ(job.source_progress().total_records(), 2);
  EXPECT_EQ(store_->GetJob(call_.job(job.id())).value()->source.last, 1);
  ASSERT_OK_AND_ASSIGN(job, Submit(exceptions));
  EXPECT_EQ(job.source().exceptions().job_id(), other);
  EXPECT_EQ(job.source_progress().total_records(), 1) << "an estimate, of the sample";
}

TEST_F(SubmitJobTest, AJobToReadFromMustBeNamedAndBeThere) {
  v1::SubmitJobRequest request;
  request.set_service("demo/doubler");
  request.mutable_source()->mutable_results();
  EXPECT_EQ(WrongIn(request), "source.results.job_id");
  request.mutable_source()->mutable_results()->set_job_id("nobody");
  absl::Status refused = Submit(request).status();
  EXPECT_THAT(refused, IsError(Reason::kPipelineNotFound));
  EXPECT_EQ(FieldOf(refused), "source.results.job_id");
  request.mutable_source()->mutable_exceptions()->set_job_id("nobody");
  EXPECT_THAT(Submit(request).status(), IsError(Reason::kPipelineNotFound));
  request.mutable_source()->mutable_exceptions()->set_fingerprint(std::string(129, 'f'));
  EXPECT_EQ(WrongIn(request), "source.exceptions.fingerprint");
}

}  // namespace
}  // namespace millrace::handlers
