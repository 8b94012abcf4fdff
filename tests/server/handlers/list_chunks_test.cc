#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::ElementsAre;
using testing::IsError;
using testing::IsOk;

class ListChunksTest : public HandlersFixture {
 protected:
  /// All chunks, two a page, as `sequence STATE hash-is-the-job's`.
  std::vector<std::string> List(const std::string& id, bool other_code = false) {
    const std::string hash = (*store_->GetJob(call_.job(id)))->config_hash;
    v1::ListChunksRequest request;
    request.set_job_id(id);
    request.set_page_size(2);
    request.set_other_code_than_job(other_code);
    std::vector<std::string> lines;
    do {
      const auto response = ListChunks(request, call_, deps_);
      EXPECT_THAT(response, IsOk());
      if (!response.ok()) break;
      for (const v1::ChunkInfo& chunk : response->chunks()) {
        lines.push_back(absl::StrCat(chunk.sequence(), " ", v1::ChunkState_Name(chunk.state()).substr(12),
                                     chunk.config_hash() == hash ? " now" : ""));
      }
      request.set_page_token(response->next_page_token());
    } while (!request.page_token().empty());
    return lines;
  }
};

TEST_F(ListChunksTest, ShowsWhatBecameOfEachChunk) {
  const std::string id = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n{\"n\":2}\n"), IsOk());
  EXPECT_THAT(List(id), ElementsAre("1 PENDING", "2 PENDING"));
  StartWorkers();
  AwaitCommitted(id);
  v1::ListChunksRequest request;
  request.set_job_id(id);
  ASSERT_OK_AND_ASSIGN(const v1::ListChunksResponse response, ListChunks(request, call_, deps_));
  ASSERT_EQ(response.chunks_size(), 2);
  const v1::ChunkInfo& chunk = response.chunks(1);
  EXPECT_EQ(chunk.state(), v1::CHUNK_STATE_COMMITTED);
  EXPECT_EQ(chunk.record_count(), 2);
  EXPECT_EQ(chunk.input_size_bytes(), 16);
  EXPECT_EQ(chunk.attempts(), 1);
  EXPECT_EQ(chunk.result_number(), 2);
  EXPECT_TRUE(chunk.has_push_time() && chunk.has_commit_time());
}

TEST_F(ListChunksTest, WhatACancelLeavesIsSkipped) {
  const std::string id = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  ASSERT_THAT(store_->CancelJob(call_.job(id), "", false), IsOk());
  EXPECT_THAT(List(id), ElementsAre("1 SKIPPED"));
}

TEST_F(ListChunksTest, OtherCodeIsWhatRanBeforeTheJobWasMoved) {
  const std::string id = CreateDoublerPipeline();
  StartWorkers();
  for (int i = 0; i < 3; ++i) ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  AwaitCommitted(id);
  EXPECT_THAT(List(id, true), ElementsAre());
  std::string tripler = kDoubler;
  tripler.replace(tripler.find("1.0.0"), 5, "1.1.0");
  tripler.replace(tripler.find("n * 2"), 5, "n * 3");
  CreateService(tripler);
  v1::UpdateJobRequest update;
  update.set_job_id(id);
  update.mutable_update_mask()->add_paths("service_version");
  update.set_service_version("1.1.0");
  ASSERT_THAT(UpdateJob(update, call_, deps_), IsOk());
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  AwaitCommitted(id);
  EXPECT_THAT(List(id), ElementsAre("1 COMMITTED", "2 COMMITTED", "3 COMMITTED", "4 COMMITTED now"));
  EXPECT_THAT(List(id, true), ElementsAre("1 COMMITTED", "2 COMMITTED", "3 COMMITTED"));
}

TEST_F(ListChunksTest, RequestsAreChecked) {
  const std::string id = CreateDoublerPipeline();
  v1::ListChunksRequest request;
  EXPECT_EQ(FieldOf(ListChunks(request, call_, deps_).status()), "job_id");
  request.set_job_id("nobody");
  EXPECT_THAT(ListChunks(request, call_, deps_), IsError(Reason::kPipelineNotFound));
  request.set_job_id(id);
  request.set_page_size(-1);
  EXPECT_EQ(FieldOf(ListChunks(request, call_, deps_).status()), "page_size");
  request.set_page_size(1);
  for (const std::string& hash : {std::string(11, 'a'), std::string(65, 'a'), std::string(12, 'A')}) {
    request.set_config_hash(hash);
    EXPECT_EQ(FieldOf(ListChunks(request, call_, deps_).status()), "config_hash") << hash;
  }
  request.set_config_hash(std::string(12, 'a'));
  EXPECT_THAT(ListChunks(request, call_, deps_), IsOk());
  request.set_page_token("invented");
  EXPECT_THAT(ListChunks(request, call_, deps_), IsError(Reason::kPageTokenInvalid));
}

}  // namespace
}  // namespace millrace::handlers
