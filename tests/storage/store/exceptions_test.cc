#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::ExceptionGroup;
using model::JobKey;
using model::Reason;
using model::RecordException;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ExceptionsTest : public JobStoreTest {
 protected:
  /// Commits chunk `sequence` of `records` records, the first of which failed with these messages.
  void CommitWithMessages(const JobKey& job, int64_t sequence, const std::vector<std::string>& messages,
                          int32_t records = 3) {
    model::ChunkCommit commit = ExampleCommit(job, sequence, records, static_cast<int32_t>(messages.size()));
    for (size_t i = 0; i < messages.size(); ++i) commit.outcome.failures[i].message = messages[i];
    ASSERT_THAT(Commit(std::move(commit)), IsOk());
  }

  /// The ids of all exceptions, read page by page.
  std::vector<std::string> IdsOf(ListExceptionsQuery query) {
    std::vector<std::string> ids;
    do {
      const absl::StatusOr<Page<RecordException>> page = store().ListExceptions(query);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      EXPECT_LE(page->items.size(), static_cast<size_t>(query.page_size));
      for (const RecordException& e : page->items) ids.push_back(model::ExceptionId(e.sequence, e.index));
      query.token = page->next_token;
    } while (!query.token.empty());
    return ids;
  }

  /// A message without digits, different for each number.
  static std::string Letters(int32_t number) {
    std::string text;
    for (; number > 0; number /= 26) text += static_cast<char>('a' + number % 26);
    return text + "!";
  }
};

TEST_P(ExceptionsTest, HoldAllThatIsNeededToMendTheRecord) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  Tick();
  CommitWithMessages(job, 1, {"unknown size 'Huge'"});
  ASSERT_OK_AND_ASSIGN(const auto page, store().ListExceptions({.job = job}));
  ASSERT_THAT(page.items, SizeIs(1));
  const RecordException& exception = page.items[0];
  EXPECT_EQ(exception.sequence, 1);
  EXPECT_EQ(exception.index, 0);
  EXPECT_EQ(exception.chunk_id, "c1");
  EXPECT_EQ(exception.input, R"({"n":1})");
  EXPECT_EQ(exception.node, "mass");
  EXPECT_EQ(exception.code, "FAILED");
  EXPECT_EQ(exception.message, "unknown size 'Huge'");
  EXPECT_EQ(exception.config_hash, ExampleVersion().config_hash);
  EXPECT_EQ(exception.create_time, At(1));
  EXPECT_EQ(exception.resolution.state, model::ExceptionState::kUnresolved);
}

TEST_P(ExceptionsTest, AreListedInPushOrderWhateverTheCommitOrder) {
  const JobKey job = Create()->key();
  PushMany(job, 3);
  for (const int64_t sequence : {3, 1, 2}) CommitOne(job, sequence, 2);
  EXPECT_THAT(IdsOf({.job = job}), ElementsAre("1-0", "1-1", "2-0", "2-1", "3-0", "3-1"));
}

TEST_P(ExceptionsTest, ComeInPagesThatMissNoneAndRepeatNone) {
  const JobKey job = Create()->key();
  PushMany(job, 3);
  for (const int64_t sequence : {1, 2, 3}) CommitOne(job, sequence, 2);
  const std::vector<std::string> all = IdsOf({.job = job});
  for (int32_t page_size = 1; page_size <= 7; ++page_size) {
    EXPECT_EQ(IdsOf({.job = job, .page_size = page_size}), all) << page_size;
  }
}

TEST_P(ExceptionsTest, APageEndsBeforeItsInputsGrowTooLarge) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  CommitOne(job, 1, 3);
  constexpr int64_t kInputBytes = 7;
  for (const auto& [bytes_max, count] : std::vector<std::pair<int64_t, size_t>>{
           {1, 1}, {2 * kInputBytes - 1, 1}, {2 * kInputBytes, 2}, {3 * kInputBytes, 3}}) {
    ListExceptionsQuery query{.job = job};
    query.bytes_max = bytes_max;
    ASSERT_OK_AND_ASSIGN(const auto page, store().ListExceptions(query));
    EXPECT_THAT(page.items, SizeIs(count)) << bytes_max;
    EXPECT_EQ(page.next_token.empty(), count == 3);
    EXPECT_THAT(IdsOf(query), ElementsAre("1-0", "1-1", "1-2"));
  }
}

TEST_P(ExceptionsTest, AreListedFromBehindAPlace) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitWithMessages(job, 1, {"size 1", "speed 'x'"});
  CommitWithMessages(job, 2, {"size 2", "size 3"});
  ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
  const std::string largest = groups[0].fingerprint;
  EXPECT_THAT(IdsOf({.job = job, .page_size = 1, .after = {1, 1}}), ElementsAre("2-0", "2-1"));
  EXPECT_THAT(IdsOf({.job = job, .after = {1, 2}}), ElementsAre("2-0", "2-1")) << "a place without an exception";
  EXPECT_THAT(IdsOf({.job = job, .fingerprint = largest, .after = {1, 0}}), ElementsAre("2-0", "2-1"));
  EXPECT_THAT(IdsOf({.job = job, .after = {2, 1}}), IsEmpty());
}

TEST_P(ExceptionsTest, AreFilteredByGroupAcrossPages) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitWithMessages(job, 1, {"size 1", "speed 'x'", "size 2"});
  CommitWithMessages(job, 2, {"speed 'y'", "size 3"});
  ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
  ASSERT_THAT(groups, SizeIs(2));
  EXPECT_THAT(IdsOf({.job = job, .fingerprint = groups[0].fingerprint, .page_size = 1}),
              ElementsAre("1-0", "1-2", "2-1"));
  EXPECT_THAT(IdsOf({.job = job, .fingerprint = groups[1].fingerprint, .page_size = 1}), ElementsAre("1-1", "2-0"));
  EXPECT_THAT(IdsOf({.job = job, .fingerprint = "ffffffffffffffff"}), IsEmpty());
}

TEST_P(ExceptionsTest, AreGroupedByCause) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitWithMessages(job, 1, {"speed 'x'", "size 1"});
  Tick();
  CommitWithMessages(job, 2, {"size 2", "size 3"});
  ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
  ASSERT_THAT(groups, SizeIs(2));
  const ExceptionGroup& size = groups[0];
  EXPECT_EQ(size.normalised_message, "size #");
  EXPECT_EQ(size.node, "mass");
  EXPECT_EQ(size.code, "FAILED");
  EXPECT_EQ(size.config_hash, ExampleVersion().config_hash);
  EXPECT_EQ(size.count, 3);
  EXPECT_EQ(size.first_time, At(0));
  EXPECT_EQ(size.last_time, At(1));
  EXPECT_EQ(size.sample_exception_id, "1-1");
  EXPECT_EQ(size.sample_message, "size 1");
  EXPECT_EQ(groups[1].normalised_message, "speed '…'");
  EXPECT_EQ(groups[1].count, 1);
}

TEST_P(ExceptionsTest, UnderAnotherCodeAreAnotherGroup) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 1, 1);
  model::ChunkCommit commit = ExampleCommit(job, 2, 3, 1);
  commit.config_hash = "newer-hash";
  ASSERT_THAT(Commit(commit), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
  EXPECT_THAT(groups, SizeIs(2));
}

TEST_P(ExceptionsTest, OfACommitThatWasRefusedAreNotKept) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  CommitOne(job, 1, 0);
  EXPECT_THAT(Commit(ExampleCommit(job, 1, 3, 3)), IsError(Reason::kLeaseStale));
  EXPECT_THAT(IdsOf({.job = job}), IsEmpty());
}

TEST_P(ExceptionsTest, BeyondTheMostGroupsFallIntoOne) {
  constexpr int32_t kGroups = model::kExceptionGroupsPerJobMax;
  constexpr int32_t kRecords = kGroups + 5;
  const JobKey job = Create()->key();
  ASSERT_THAT(Push(job, {ExampleChunk("c1", kRecords), ExampleChunk("c2", 2)}), IsOk());
  std::vector<std::string> messages;
  for (int32_t i = 0; i < kRecords; ++i) messages.push_back(Letters(i));
  CommitWithMessages(job, 1, messages, kRecords);
  CommitWithMessages(job, 2, {messages[0], messages[kGroups]}, 2);

  ASSERT_OK_AND_ASSIGN(const auto groups, store().ListExceptionGroups(job));
  ASSERT_THAT(groups, SizeIs(kGroups + 1));
  const ExceptionGroup& other = groups[0];
  EXPECT_EQ(other.fingerprint, model::kOtherFingerprint);
  EXPECT_EQ(other.normalised_message, "");
  EXPECT_EQ(other.count, 6);
  EXPECT_EQ(other.sample_message, messages[kGroups]);
  EXPECT_EQ(groups[1].count, 2) << "a group that is there still takes its own";
  EXPECT_EQ(groups[1].sample_message, messages[0]);
  EXPECT_THAT(IdsOf({.job = job, .fingerprint = std::string(model::kOtherFingerprint)}),
              ElementsAre("1-1000", "1-1001", "1-1002", "1-1003", "1-1004", "2-1"));
}

TEST_P(ExceptionsTest, APageTokenFromElsewhereIsRefused) {
  const JobKey job = Create()->key();
  EXPECT_THAT(store().ListExceptions({.job = job, .token = "?"}), IsError(Reason::kPageTokenInvalid));
}

INSTANTIATE_TEST_SUITE_P(Stores, ExceptionsTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
