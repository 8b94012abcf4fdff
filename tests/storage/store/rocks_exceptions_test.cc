// Exceptions are stored in blocks; whoever lists them must not notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/store/rocks_page_token.h"
#include "tests/storage/store/rocks_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::Reason;
using model::RecordException;
using ::testing::SizeIs;

constexpr int32_t kRecords = 200;
const std::vector<std::string> kMessages = {"too heavy", "too light", "too late"};

class RocksExceptionsTest : public RocksStoreTest {
 protected:
  /// Commits a chunk in which every record but each seventh failed, in turn with each of kMessages.
  void PushAndCommit(const JobKey& job, int64_t sequence, size_t input_bytes) {
    PushChunks request;
    request.job = job;
    request.chunks.push_back(ExampleChunk("c" + std::to_string(sequence), kRecords));
    ASSERT_THAT(Await<PushReceipt>([&](auto done) { store_->PushChunks(std::move(request), std::move(done)); }),
                IsOk());
    model::ChunkCommit commit = ExampleCommit(job, sequence, kRecords);
    commit.epoch = store_->epoch();
    for (int32_t index = 0; index < kRecords; ++index) {
      if (index % 7 == 0) continue;
      const std::string& message = kMessages[static_cast<size_t>(index) % kMessages.size()];
      model::RecordFailure failure = millrace::testing::ExampleFailure(index, message);
      failure.input.resize(input_bytes, 'x');
      commit.outcome.failures.push_back(std::move(failure));
      ids_.push_back(model::ExceptionId(sequence, index));
      messages_.push_back(message);
    }
    ASSERT_THAT(Await<model::JobPtr>([&](auto done) { store_->CommitChunk(std::move(commit), std::move(done)); }),
                IsOk());
  }

  std::vector<std::string> Expected(const std::string& message) const {
    std::vector<std::string> ids;
    for (size_t i = 0; i < ids_.size(); ++i) {
      if (message.empty() || messages_[i] == message) ids.push_back(ids_[i]);
    }
    return ids;
  }

  std::vector<std::string> Listed(ListExceptionsQuery query) {
    std::vector<std::string> ids;
    do {
      const absl::StatusOr<Page<RecordException>> page = store_->ListExceptions(query);
      EXPECT_THAT(page, IsOk());
      if (!page.ok() || page->items.empty()) break;
      for (const RecordException& exception : page->items) {
        ids.push_back(model::ExceptionId(exception.sequence, exception.index));
      }
      query.token = page->next_token;
    } while (!query.token.empty());
    return ids;
  }

  std::vector<std::string> ids_;
  std::vector<std::string> messages_;
};

TEST_F(RocksExceptionsTest, PagesOfAnySizeCrossTheBlocks) {
  const JobKey job = Create();
  for (const int64_t sequence : {1, 2, 3}) PushAndCommit(job, sequence, sequence == 2 ? 20'000 : 10);
  ASSERT_OK_AND_ASSIGN(const auto groups, store_->ListExceptionGroups(job));
  ASSERT_THAT(groups, SizeIs(kMessages.size()));
  for (const int32_t page_size : {1, 2, 63, 64, 65, 500, 1'000}) {
    ListExceptionsQuery query;
    query.job = job;
    query.page_size = page_size;
    EXPECT_EQ(Listed(query), Expected("")) << page_size;
    for (const model::ExceptionGroup& group : groups) {
      query.fingerprint = group.fingerprint;
      EXPECT_EQ(Listed(query), Expected(group.sample_message)) << page_size;
      EXPECT_EQ(group.count, static_cast<int64_t>(Expected(group.sample_message).size()));
    }
  }
}

TEST_F(RocksExceptionsTest, WhatIsSettledIsCountedInItsOwnGroupWhateverBlockItStandsIn) {
  const JobKey job = Create();
  for (const int64_t sequence : {1, 2}) PushAndCommit(job, sequence, 10);
  ResolveExceptions request{.job = job, .kind = model::ResolutionKind::kDiscard};
  // From the last block to the first, and back: index % 3 is the message.
  request.exceptions = {{2, 199}, {2, 197}, {1, 1}, {1, 199}, {1, 2}};
  ASSERT_THAT(store_->ResolveExceptions(request), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto groups, store_->ListExceptionGroups(job));
  for (const model::ExceptionGroup& group : groups) {
    const int64_t settled = group.sample_message == kMessages[1] ? 3 : group.sample_message == kMessages[2] ? 2 : 0;
    EXPECT_EQ(group.settled_count, settled) << group.sample_message;
  }
  request.exceptions = {{1, 3}, {1, 7}};
  EXPECT_THAT(store_->ResolveExceptions(request), IsError(model::Reason::kExceptionNotFound));
  EXPECT_EQ(store_->GetException(job, {1, 3})->resolution.state, model::ExceptionState::kUnresolved);
}

TEST_F(RocksExceptionsTest, PagesEndBeforeTheyHoldTooManyBytes) {
  const JobKey job = Create();
  PushAndCommit(job, 1, 1'000);
  ListExceptionsQuery query;
  query.job = job;
  query.page_size = 1'000;
  query.bytes_max = 2'500;
  ASSERT_OK_AND_ASSIGN(const auto page, store_->ListExceptions(query));
  EXPECT_THAT(page.items, SizeIs(2));
  EXPECT_EQ(Listed(query), Expected(""));
  query.bytes_max = 1;
  EXPECT_EQ(Listed(query), Expected(""));
}

TEST_F(RocksExceptionsTest, ATokenOfAnotherListIsRefused) {
  const JobKey job = Create();
  PushAndCommit(job, 1, 10);
  const JobKey other = Create("job-2");
  ListExceptionsQuery query;
  query.job = job;
  query.page_size = 1;
  ASSERT_OK_AND_ASSIGN(const auto page, store_->ListExceptions(query));
  query.job = other;
  query.token = page.next_token;
  EXPECT_THAT(store_->ListExceptions(query), IsError(Reason::kPageTokenInvalid));
  EXPECT_THAT(store_->ListServices(job.tenant, 1, page.next_token), IsError(Reason::kPageTokenInvalid));
}

// A row that is written behind the drop would stay for ever.
TEST_F(RocksExceptionsTest, WhatIsResolvedBesideTheRetentionWritesNothing) {
  for (const model::ResolutionKind kind : {model::ResolutionKind::kDiscard, model::ResolutionKind::kOutputs}) {
    model::Job kept = millrace::testing::ExampleJob(kind == model::ResolutionKind::kDiscard ? "discard" : "outputs");
    kept.options.retention = absl::Hours(1);
    kept.options.drop_unresolved_exceptions = true;
    const JobKey job = kept.key();
    ASSERT_THAT(store_->CreateJob(kept), IsOk());
    ASSERT_THAT(Push(job, "c1"), IsOk());
    ASSERT_THAT(Commit(job, 1, 1), IsOk());
    ASSERT_THAT(store_->CloseJob(job), IsOk());
    clock_.Advance(absl::Hours(1));
    bool dropped = false;
    watch_.AfterGet([&](std::string_view key) {
      if (dropped || key != format::ExceptionBlocksFrom(job, 1, 0).begin) return;
      dropped = true;
      EXPECT_EQ(*store_->ExpireJob(job), model::Expiration::kDropped);
    });
    ResolveExceptions request{.job = job, .kind = kind, .exceptions = {{1, 0}}};
    request.chunk = ExampleChunk("given", 1);
    request.outputs_json_lines = "{}\n";
    EXPECT_THAT(store_->ResolveExceptions(std::move(request)), IsError(Reason::kJobExpired));
    watch_.AfterGet({});
    EXPECT_TRUE(dropped);
    EXPECT_EQ((*store_->GetJob(job))->counters.records_failed, 1);
  }
}

TEST(RocksPageTokenTest, OnlyWhatWasMadeForTheListIsRead) {
  const std::string place("\0\xff place", 8);
  const std::string token = MakePageToken("jobs", place);
  ASSERT_OK_AND_ASSIGN(const std::string read, ReadPageToken("jobs", token));
  EXPECT_EQ(read, place);
  EXPECT_THAT(ReadPageToken("services", token), IsError(Reason::kPageTokenInvalid));
  for (size_t i = 0; i < token.size(); ++i) {
    std::string damaged = token;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    const absl::StatusOr<std::string> decoded = ReadPageToken("jobs", damaged);
    EXPECT_TRUE(!decoded.ok() || *decoded == place) << damaged;
    EXPECT_THAT(ReadPageToken("jobs", token.substr(0, i)), IsError(Reason::kPageTokenInvalid));
  }
  EXPECT_THAT(ReadPageToken("jobs", ""), IsError(Reason::kPageTokenInvalid));
  EXPECT_THAT(ReadPageToken("jobs", "not base64!"), IsError(Reason::kPageTokenInvalid));
}

}  // namespace
}  // namespace millrace::store
