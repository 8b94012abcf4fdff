#include "server/handlers/cut_inputs.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/model/chunk_sizing.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using testing::IsError;
using testing::IsOk;

class CutInputsTest : public HandlersFixture {
 protected:
  CutInputsTest() : id_(CreateDoublerPipeline()) {}

  absl::StatusOr<v1::PushResponse> PushRecords(const std::string& request_id, int records, int size_bytes = 8) {
    v1::PushRequest request;
    request.set_pipeline_id(id_);
    request.set_request_id(request_id);
    const std::string head = "{\"n\":1";
    const std::string line = head + std::string(static_cast<size_t>(size_bytes) - head.size() - 2, ' ') + "}\n";
    for (int i = 0; i < records; ++i) request.mutable_inputs()->mutable_json_lines()->append(line);
    return Push(request, call_, deps_);
  }

  /// Commits the next chunk as if each record of it had run for so long.
  void RunNext(absl::Duration per_record) {
    const core::Lease lease = *hub_.Acquire();
    const int32_t records = store_->ReadChunk(lease.job->key(), lease.sequence)->chunk.record_count;
    model::ChunkOutcome outcome{.record_count = records};
    for (int i = 0; i < records; ++i) outcome.json_lines += "{}\n";
    outcome.process_time_ns.resize(static_cast<size_t>(records));
    outcome.compute_nanos = absl::ToInt64Nanoseconds(per_record * records);
    const auto committed = store::Await<model::JobPtr>([&](auto done) {
      store_->CommitChunk({.job = lease.job->key(),
                           .sequence = lease.sequence,
                           .epoch = lease.epoch,
                           .config_hash = {},
                           .outcome = std::move(outcome)},
                          std::move(done));
    });
    ASSERT_THAT(committed, IsOk());
    hub_.Done(lease);
  }

  static std::vector<int> Counts(const v1::PushResponse& response) {
    std::vector<int> counts;
    for (const v1::PushedChunk& chunk : response.chunks()) counts.push_back(chunk.record_count());
    return counts;
  }

  const std::string id_;
};

TEST_F(CutInputsTest, ChunksAimAtTheTargetTimeOnceTheCostIsMeasured) {
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse first, PushRecords("a", 100));
  EXPECT_EQ(Counts(first), (std::vector<int>{100}));
  RunNext(absl::Milliseconds(5));
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse second, PushRecords("b", 100));
  EXPECT_EQ(Counts(second), (std::vector<int>{34, 33, 33})) << "200 ms hold 40 records";
}

TEST_F(CutInputsTest, ARepeatedPushIsCutAsTheFirstTimeWhateverWasMeasuredSince) {
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse before, PushRecords("x", 7));
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse first, PushRecords("a", 700));
  RunNext(absl::Milliseconds(5));
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse again, PushRecords("a", 700));
  EXPECT_EQ(Counts(again), Counts(first));
  ASSERT_EQ(again.chunks_size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(again.chunks(i).id(), first.chunks(i).id());
    EXPECT_EQ(again.chunks(i).sequence(), first.chunks(i).sequence());
    EXPECT_TRUE(again.chunks(i).duplicate());
  }
  EXPECT_EQ(again.status().records_submitted(), 707);
}

TEST_F(CutInputsTest, OtherRecordsUnderTheSameRequestIdAreRefused) {
  ASSERT_THAT(PushRecords("a", 700), IsOk());
  EXPECT_THAT(PushRecords("a", 699).status(), IsError(model::Reason::kChunkIdTaken));
  EXPECT_THAT(PushRecords("a", 701).status(), IsError(model::Reason::kChunkIdTaken));
  EXPECT_THAT(PushRecords("a", 700, 9).status(), IsError(model::Reason::kChunkIdTaken));
  EXPECT_EQ((*store_->GetJob(call_.job(id_)))->last_sequence, 3) << "nothing of it was stored";
}

TEST_F(CutInputsTest, AChunkHoldsAMebibyteAtMost) {
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse response, PushRecords("a", 250, 10'000));
  EXPECT_EQ(Counts(response), (std::vector<int>{104, 104, 42})) << "104 records of 10,000 bytes are just below";
  EXPECT_EQ(model::kSizedChunkBytesMax / 10'000, 104);
}

}  // namespace
}  // namespace millrace::handlers
