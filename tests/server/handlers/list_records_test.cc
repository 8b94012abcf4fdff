// Records that are asked for by their ids, and those that took longest.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsError;
using testing::IsOk;

class ListRecordsTest : public HandlersFixture {
 protected:
  /// A job with two chunks of three records, the second and the last of which fail; the former is run again, and is mended.
  std::string RunSix() {
    std::string job = CreateDoublerPipeline();
    StartWorkers();
    EXPECT_THAT(PushLines(job, "{\"n\":1}\n{\"n\":\"x\"}\n{\"n\":3}\n"), IsOk());
    AwaitCommitted(job);
    EXPECT_THAT(PushLines(job, "{\"n\":4}\n{\"n\":5}\n{\"n\":\"y\"}\n"), IsOk());
    AwaitCommitted(job);
    v1::ResolveExceptionRequest mend;
    mend.set_job_id(job);
    mend.set_exception_id("1-1");
    mend.set_corrected_input("{\"n\":2}");
    EXPECT_THAT(ResolveException(mend, call_, deps_), IsOk());
    AwaitCommitted(job);
    return job;
  }

  static v1::ListRecordsRequest Of(const std::string& job, const std::vector<std::string>& ids = {}) {
    v1::ListRecordsRequest request;
    request.set_job_id(job);
    *request.mutable_ids() = {ids.begin(), ids.end()};
    return request;
  }

  static v1::ListRecordsRequest Slowest(const std::string& job) {
    v1::ListRecordsRequest request = Of(job);
    request.set_order(v1::RECORD_ORDER_SLOWEST_FIRST);
    return request;
  }

  /// The records of all pages: their ids, and their outputs or states.
  std::vector<std::string> List(v1::ListRecordsRequest request) {
    std::vector<std::string> records;
    do {
      const absl::StatusOr<v1::ListRecordsResponse> response = ListRecords(request, call_, deps_);
      EXPECT_THAT(response, IsOk());
      if (!response.ok()) break;
      for (const v1::Record& record : response->records()) {
        records.push_back(
            absl::StrCat(record.sequence(), "-", record.index(), " ",
                         record.outputs().empty() ? v1::RecordState_Name(record.state()) : record.outputs()));
      }
      request.set_page_token(response->next_page_token());
    } while (!request.page_token().empty());
    return records;
  }
};

TEST_F(ListRecordsTest, SomeByTheirIdsInPushOrderEachOnce) {
  const std::string job = RunSix();
  v1::ListRecordsRequest request = Of(job, {"2-2", "1-0", "2-2", "1-1"});
  for (const int32_t page_size : {1, 2, 100}) {
    request.set_page_size(page_size);
    EXPECT_THAT(List(request), ElementsAre("1-0 {\"twice\":2}", "1-1 {\"twice\":4}", "2-2 RECORD_STATE_FAILED"));
  }
  request.set_with_input(true);
  EXPECT_EQ(ListRecords(request, call_, deps_)->records(1).input(), "{\"n\":\"x\"}") << "as it was pushed";
  request.add_states(v1::RECORD_STATE_FAILED);
  EXPECT_THAT(List(request), ElementsAre("2-2 RECORD_STATE_FAILED"));
}

TEST_F(ListRecordsTest, TheIdOfARunAgainStandsForTheRecordThatWasPushed) {
  const std::string job = RunSix();
  EXPECT_THAT(List(Of(job, {"3-0"})), ElementsAre("1-1 {\"twice\":4}"));
  EXPECT_THAT(List(Of(job, {"3-0", "1-1"})), ElementsAre("1-1 {\"twice\":4}"));
}

TEST_F(ListRecordsTest, TheSlowestAreThoseOfTheStatisticsUnderTheirFirstPlaces) {
  const std::string job = RunSix();
  ASSERT_OK_AND_ASSIGN(const model::RunStatistics statistics, store_->GetRunStatistics(call_.job(job)));
  ASSERT_OK_AND_ASSIGN(const v1::ListRecordsResponse all, ListRecords(Slowest(job), call_, deps_));
  ASSERT_EQ(all.records_size(), 6) << "of the record that ran twice, its slower run counts";
  std::vector<std::string> expected;
  for (const model::SlowRecord& slow : statistics.slowest) {
    const std::string id = slow.place.sequence == 3 ? "1-1" : model::ExceptionId(slow.place.sequence, slow.place.index);
    if (std::find(expected.begin(), expected.end(), id) == expected.end()) expected.push_back(id);
  }
  std::vector<std::string> listed;
  for (const v1::Record& record : all.records()) {
    listed.push_back(model::ExceptionId(record.sequence(), record.index()));
    EXPECT_TRUE(record.has_process_time());
  }
  EXPECT_EQ(listed, expected);
  EXPECT_EQ(all.records(0).process_time().nanos(), statistics.slowest.front().process_nanos);
  EXPECT_FALSE(ListRecords(Of(job), call_, deps_)->records(0).has_process_time());
}

TEST_F(ListRecordsTest, WhereNothingHasRunNothingWasSlow) {
  const std::string job = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(job, "{\"n\":1}\n"), IsOk());
  EXPECT_THAT(List(Slowest(job)), IsEmpty());
  EXPECT_THAT(List(Of(job, {"1-0"})), ElementsAre("1-0 RECORD_STATE_PENDING"));
}

TEST_F(ListRecordsTest, RequestsAreChecked) {
  const std::string job = RunSix();
  const auto wrong = [&](const v1::ListRecordsRequest& request) {
    const absl::Status status = ListRecords(request, call_, deps_).status();
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid));
    return FieldOf(status);
  };
  for (const std::string id : {"", "7", "1-", "01-1", "a-b"}) EXPECT_EQ(wrong(Of(job, {"1-0", id})), "ids[1]") << id;
  for (const std::string id : {"0-0", "1-3", "1--1", "4-0", "9-9"}) EXPECT_EQ(wrong(Of(job, {id})), "ids[0]") << id;
  EXPECT_THAT(std::string(ListRecords(Of(job, {"9-9"}), call_, deps_).status().message()), HasSubstr("no record 9-9"));
  EXPECT_EQ(wrong(Of(job, std::vector<std::string>(1'001, "1-0"))), "ids");
  v1::ListRecordsRequest slowest = Slowest(job);
  slowest.add_ids("1-0");
  EXPECT_EQ(wrong(slowest), "order");
  slowest.set_order(static_cast<v1::RecordOrder>(9));
  EXPECT_EQ(wrong(slowest), "order");
  v1::ListRecordsRequest request = Of(job, {"1-0", "1-1"});
  request.set_page_size(1);
  request.set_page_token(ListRecords(request, call_, deps_)->next_page_token());
  request.set_ids(1, "1-2");
  EXPECT_THAT(ListRecords(request, call_, deps_), IsError(Reason::kPageTokenInvalid));
}

}  // namespace
}  // namespace millrace::handlers
