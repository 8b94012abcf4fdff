#include "server/handlers/job_exporter.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/page_token.h"
#include "storage/model/limits.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::EndsWith;
using testing::IsError;
using testing::IsOk;
using ::testing::StartsWith;

constexpr char kShaper[] = R"yaml(
service: demo/shaper
version: 1.0.0
inputs: {n: {type: number}, text: {type: string, default: ""}}
nodes:
  twice: {lua: "n < 10 and n * 2 or fail('TOO_LARGE', 'n is ' .. n)"}
  label: {lua: "text"}
  pair: {lua: "{n, text}"}
outputs: [twice, label, pair]
)yaml";

class ExportJobTest : public HandlersFixture {
 protected:
  std::string Create(const std::vector<std::string>& outputs = {}) {
    CreateService(kShaper);
    v1::CreatePipelineRequest request;
    request.set_service("demo/shaper");
    for (const std::string& output : outputs) request.add_selected_outputs(output);
    return CreatePipeline(request, call_, deps_)->id();
  }

  /// A job whose records are through.
  std::string RunRecords(const std::string& json_lines, const std::vector<std::string>& outputs = {}) {
    StartWorkers();
    std::string id = Create(outputs);
    EXPECT_THAT(PushLines(id, json_lines), IsOk());
    v1::ClosePipelineRequest close;
    close.set_pipeline_id(id);
    EXPECT_THAT(ClosePipeline(close, call_, deps_), IsOk());
    AwaitCommitted(id);
    return id;
  }

  static v1::ExportJobRequest Of(const std::string& job, v1::ExportFormat format) {
    v1::ExportJobRequest request;
    request.set_job_id(job);
    request.set_format(format);
    return request;
  }

  /// The whole file, from one exporter.
  std::string Export(const v1::ExportJobRequest& request) {
    const auto exporter = JobExporter::Begin(request, call_, deps_);
    EXPECT_THAT(exporter, IsOk());
    std::string file;
    for (bool ended = !exporter.ok(); !ended;) {
      const auto piece = (*exporter)->Next();
      EXPECT_THAT(piece, IsOk());
      if (!piece.ok()) break;
      file += piece->data();
      ended = piece->ended();
      last_ = *piece;
    }
    return file;
  }

  absl::Status Refused(const v1::ExportJobRequest& request) {
    return JobExporter::Begin(request, call_, deps_).status();
  }

  v1::ExportJobResponse last_;
};

TEST_F(ExportJobTest, JsonLinesTellWhatBecameOfEachRecord) {
  const std::string id = RunRecords("{\"n\":1,\"text\":\"a\"}\n{\"n\":12}\noops\n");
  v1::ResolveExceptionRequest discard;
  discard.set_job_id(id);
  discard.set_exception_id("1-2");
  discard.set_discard(true);
  ASSERT_THAT(ResolveException(discard, call_, deps_), IsOk());
  v1::ExportJobRequest request = Of(id, v1::EXPORT_FORMAT_UNSPECIFIED);
  request.set_with_input(true);
  const std::string chunk = store_->FindChunk(call_.job(id), 1)->id;
  const std::string file = Export(request);
  EXPECT_THAT(file,
              StartsWith(absl::StrCat(R"({"id":"1-0","chunk":")", chunk,
                                      R"(","state":"COMPLETED","outputs":{"twice":2,"label":"a","pair":[1,"a"]},)",
                                      R"("input":{"n":1,"text":"a"}})", "\n", R"({"id":"1-1","chunk":")", chunk,
                                      R"(","state":"FAILED","error":{"exception":"1-1","node":"twice",)",
                                      R"("code":"TOO_LARGE","message":"n is 12"},"input":{"n":12}})", "\n",
                                      R"({"id":"1-2","chunk":")", chunk, R"(","state":"DISCARDED","error":)")));
  EXPECT_THAT(file, EndsWith("\"input\":\"oops\"}\n"));
  EXPECT_EQ(last_.rows(), 3);
  EXPECT_EQ(last_.records_passed(), 3);
  EXPECT_EQ(last_.records_total(), 3);
}

TEST_F(ExportJobTest, CsvIsEscapedAndNestedValuesAreJson) {
  const std::string id = RunRecords(
      "{\"n\":1,\"text\":\"a, \\\"b\\\"\\nc\"}\n{\"n\":12}\n{\"n\":2.50,\"text\":null,\"more\":{\"x\":[1]}}\n");
  EXPECT_EQ(Export(Of(id, v1::EXPORT_FORMAT_CSV)),
            "twice,label,pair,other_outputs,state,error_node,error_code,error_message\n"
            "2,\"a, \"\"b\"\"\nc\",\"[1,\"\"a, \\\"\"b\\\"\"\\nc\"\"]\",,COMPLETED,,,\n"
            ",,,,FAILED,twice,TOO_LARGE,n is 12\n"
            "5,,\"[2.5,\"\"\"\"]\",,COMPLETED,,,\n");

  v1::ExportJobRequest request = Of(id, v1::EXPORT_FORMAT_CSV);
  request.set_with_input(true);
  request.set_with_place(true);
  request.add_states(v1::RECORD_STATE_COMPLETED);
  EXPECT_EQ(
      Export(request),
      "sequence,index,n,text,other_input,twice,label,pair,other_outputs,state,error_node,error_code,error_message\n"
      "1,0,1,\"a, \"\"b\"\"\nc\",,2,\"a, \"\"b\"\"\nc\",\"[1,\"\"a, \\\"\"b\\\"\"\\nc\"\"]\",,COMPLETED,,,\n"
      "1,2,2.50,,\"{\"\"more\"\":{\"\"x\"\":[1]}}\",5,,\"[2.5,\"\"\"\"]\",,COMPLETED,,,\n");
  EXPECT_EQ(last_.rows(), 2);
}

TEST_F(ExportJobTest, SelectedOutputsAreTheColumnsAndNamesStandOnce) {
  CreateService(
      "{service: demo/all, version: 1.0.0, inputs: {state: {}}, nodes: {m: {lua: state}}, outputs: ['*', m]}");
  StartWorkers();
  v1::CreatePipelineRequest create;
  create.set_service("demo/all");
  const std::string all = CreatePipeline(create, call_, deps_)->id();
  ASSERT_THAT(PushLines(all, "{\"state\":\"new\",\"k\":1}\n{\"state\":\"old\",\"late\":2}\n"), IsOk());
  AwaitCommitted(all);
  EXPECT_EQ(Export(Of(all, v1::EXPORT_FORMAT_CSV)),
            "state,k,m,other_outputs,state_2,error_node,error_code,error_message\n"
            "new,1,new,,COMPLETED,,,\n"
            "old,,old,\"{\"\"late\"\":2}\",COMPLETED,,,\n");

  const std::string one = Create({"label"});
  ASSERT_THAT(PushLines(one, "{\"n\":1,\"text\":\"x\"}\n"), IsOk());
  AwaitCommitted(one);
  EXPECT_EQ(Export(Of(one, v1::EXPORT_FORMAT_CSV)),
            "label,other_outputs,state,error_node,error_code,error_message\nx,,COMPLETED,,,\n");
}

TEST_F(ExportJobTest, WhatHasNotRunIsTold) {
  const std::string id = Create();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  EXPECT_THAT(Export(Of(id, v1::EXPORT_FORMAT_CSV)), EndsWith("\n,,,,PENDING,,,\n"));
  ASSERT_THAT(store_->CancelJob(call_.job(id), "", /*force=*/false), IsOk());
  EXPECT_THAT(Export(Of(id, v1::EXPORT_FORMAT_CSV)), EndsWith("\n,,,,SKIPPED,,,\n"));
}

TEST_F(ExportJobTest, WhatAForcedCancelDiscardedIsLost) {
  const std::string id = Create();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  StartWorkers();
  AwaitCommitted(id);
  ASSERT_THAT(store_->CancelJob(call_.job(id), "", /*force=*/true), IsOk());
  EXPECT_THAT(Export(Of(id, v1::EXPORT_FORMAT_CSV)), EndsWith("\n,,,,LOST,,,\n"));
}

TEST_F(ExportJobTest, ARecordThatWasRunAgainHasOneRowWithItsLatestOutcome) {
  const std::string id = RunRecords("{\"n\":1}\n{\"n\":12}\n");
  v1::ResolveExceptionRequest mend;
  mend.set_job_id(id);
  mend.set_exception_id("1-1");
  mend.set_corrected_input("{\"n\":4}");
  ASSERT_THAT(ResolveException(mend, call_, deps_), IsOk());
  AwaitCommitted(id);
  EXPECT_THAT(Export(Of(id, v1::EXPORT_FORMAT_CSV)),
              EndsWith("error_message\n2,,\"[1,\"\"\"\"]\",,COMPLETED,,,\n8,,\"[4,\"\"\"\"]\",,COMPLETED,,,\n"));
}

TEST_F(ExportJobTest, AResumeTokenGoesOnWithoutMissingOrRepeatingARow) {
  // Rows of 200 KiB: a piece ends within a chunk.
  std::string lines;
  for (int i = 0; i < 24; ++i) {
    absl::StrAppend(&lines, R"({"n":)", i % 10, R"(,"text":")", std::string(100 * 1024, 'x'), "\"}\n");
  }
  const std::string id = RunRecords(lines);
  for (const v1::ExportFormat format : {v1::EXPORT_FORMAT_JSON_LINES, v1::EXPORT_FORMAT_CSV}) {
    v1::ExportJobRequest request = Of(id, format);
    const std::string whole = Export(request);
    std::string resumed;
    int pieces = 0;
    v1::ExportJobResponse piece;
    do {
      const auto exporter = JobExporter::Begin(request, call_, deps_);
      ASSERT_THAT(exporter, IsOk());
      ASSERT_OK_AND_ASSIGN(piece, (*exporter)->Next());
      EXPECT_LT(piece.data().size(), 2 * model::kExportPieceBytesTarget);
      resumed += piece.data();
      request.set_resume_token(piece.resume_token());
      ++pieces;
    } while (!piece.ended());
    EXPECT_EQ(resumed, whole);
    EXPECT_GT(pieces, 2);
    EXPECT_EQ(piece.rows(), 24);
    EXPECT_EQ(piece.records_passed(), 24);
  }
}

TEST_F(ExportJobTest, WhatIsPushedMeanwhileIsNotInTheFile) {
  const std::string id = Create();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  const v1::ExportJobRequest request = Of(id, v1::EXPORT_FORMAT_CSV);
  const auto exporter = JobExporter::Begin(request, call_, deps_);
  ASSERT_THAT(exporter, IsOk());
  ASSERT_THAT(PushLines(id, "{\"n\":2}\n"), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::ExportJobResponse piece, (*exporter)->Next());
  EXPECT_TRUE(piece.ended());
  EXPECT_EQ(piece.rows(), 1);
}

TEST_F(ExportJobTest, AnEmptyJobIsAHeader) {
  EXPECT_EQ(Export(Of(Create(), v1::EXPORT_FORMAT_CSV)),
            "twice,label,pair,other_outputs,state,error_node,error_code,error_message\n");
}

TEST_F(ExportJobTest, BadRequestsAreRefusedByField) {
  const std::string id = RunRecords("{\"n\":1}\n");
  EXPECT_EQ(FieldOf(Refused({})), "job_id");
  EXPECT_THAT(Refused(Of("none", v1::EXPORT_FORMAT_CSV)), IsError(Reason::kPipelineNotFound));
  EXPECT_EQ(FieldOf(Refused(Of(id, static_cast<v1::ExportFormat>(9)))), "format");
  v1::ExportJobRequest request = Of(id, v1::EXPORT_FORMAT_CSV);
  request.add_states(v1::RECORD_STATE_UNSPECIFIED);
  EXPECT_EQ(FieldOf(Refused(request)), "states[0]");
  request.clear_states();
  Export(request);
  request.set_resume_token(last_.resume_token());
  EXPECT_THAT(Refused(request), IsOk());
  request.set_with_place(true);
  EXPECT_THAT(Refused(request), IsError(Reason::kPageTokenInvalid));
  EXPECT_EQ(FieldOf(Refused(request)), "resume_token");
}

TEST_F(ExportJobTest, AJobThatIsDeletedMeanwhileIsSaid) {
  const std::string id = RunRecords("{\"n\":1}\n");
  const v1::ExportJobRequest request = Of(id, v1::EXPORT_FORMAT_CSV);
  const auto exporter = JobExporter::Begin(request, call_, deps_);
  ASSERT_THAT(exporter, IsOk());
  ASSERT_THAT(store_->DeleteJob(call_.job(id)), IsOk());
  EXPECT_THAT((*exporter)->Next(), IsError(Reason::kPipelineNotFound));
}

TEST_F(ExportJobTest, AJobThatRetentionDropsMeanwhileIsSaid) {
  StartWorkers();
  CreateService(kShaper);
  v1::CreatePipelineRequest create;
  create.set_service("demo/shaper");
  create.mutable_options()->mutable_retention()->set_seconds(60);
  create.mutable_options()->set_drop_unresolved_exceptions(true);
  const std::string id = CreatePipeline(create, call_, deps_)->id();
  // The first piece ends within the chunk, which the exporter keeps for the second.
  const std::string text(static_cast<size_t>(model::kExportPieceBytesTarget), 'x');
  ASSERT_THAT(PushLines(id, absl::StrCat("{\"n\":12}\n{\"n\":1,\"text\":\"", text, "\"}\n{\"n\":2}\n")), IsOk());
  AwaitCommitted(id);
  v1::ClosePipelineRequest close;
  close.set_pipeline_id(id);
  ASSERT_THAT(ClosePipeline(close, call_, deps_), IsOk());
  const v1::ExportJobRequest request = Of(id, v1::EXPORT_FORMAT_CSV);
  const auto untouched = JobExporter::Begin(request, call_, deps_);
  const auto begun = JobExporter::Begin(request, call_, deps_);
  ASSERT_THAT(untouched, IsOk());
  ASSERT_THAT(begun, IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::ExportJobResponse piece, (*begun)->Next());
  ASSERT_FALSE(piece.ended());
  clock_.Advance(absl::Seconds(60));
  ASSERT_EQ(*store_->ExpireJob(call_.job(id)), model::Expiration::kDropped);
  EXPECT_THAT((*untouched)->Next(), IsError(Reason::kJobExpired));
  EXPECT_THAT((*begun)->Next(), IsError(Reason::kJobExpired));
}

TEST_F(ExportJobTest, ATokenThatSomebodyMadeUpIsRefused) {
  const std::string id = RunRecords("{\"n\":1}\n{\"n\":2}\n");
  v1::ExportJobRequest request = Of(id, v1::EXPORT_FORMAT_JSON_LINES);
  const std::string file = absl::StrCat("ExportJob/", call_.job(id).tenant, "/", id, "/1//0/");
  const auto begin = [&](const std::string& position) {
    request.set_resume_token(core::SealPageToken(file, position));
    return JobExporter::Begin(request, call_, deps_).status();
  };
  EXPECT_THAT(begin("1/1/1/1/1/2"), IsOk());
  for (const char* position : {"1/-5/0/0/1/2", "0/0/0/0/1/2", "3/0/0/0/1/2", "1/0/0/1/1/2", "1/0/3/0/1/2",
                               "1/0/0/0/2/2", "1/0/0/0/1/3", "1/0/0/0/1", "-9223372036854775808/0/0/0/1/2"}) {
    EXPECT_THAT(begin(position), IsError(Reason::kPageTokenInvalid)) << position;
  }
}

}  // namespace
}  // namespace millrace::handlers
