// `millrace top`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Return;
using ::testing::StartsWith;
using ::testing::StrictMock;

class TopTest : public CliFixture {
 protected:
  /// Two jobs, of which `slow` is newer.
  static v1::DescribePipelinesResponse Jobs(int64_t slow_records, int64_t quick_records) {
    v1::DescribePipelinesResponse description;
    for (const auto& [id, records] : {std::make_pair("slow", slow_records), std::make_pair("quick", quick_records)}) {
      v1::Job& job = *description.add_active_pipelines();
      job.set_id(id);
      job.set_state(v1::JOB_STATE_CLOSED);
      job.set_pipeline_state(v1::PIPELINE_STATE_CLOSED);
      job.mutable_summary()->set_records_submitted(10'000);
      job.mutable_summary()->set_records_completed(records);
    }
    description.mutable_tenant()->set_workers_in_use(1);
    description.mutable_tenant()->set_max_workers(2);
    return description;
  }

  void Answer(const absl::StatusOr<v1::DescribePipelinesResponse>& answer) {
    EXPECT_CALL(*connection_, DescribePipelines).InSequence(sequence_).WillOnce(Return(answer));
  }

  ::testing::Sequence sequence_;
  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(TopTest, LooksOnceWhereNobodyWatches) {
  Answer(Jobs(2'500, 0));
  EXPECT_EQ(Run({"top"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("1 of 2 workers busy"));
  EXPECT_THAT(out(), ::testing::ContainsRegex("slow [^\n]*CLOSED +25% +2,500 +0 +- "));
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  Answer(v1::DescribePipelinesResponse());
  EXPECT_EQ(Run({"top"}, connection_), 0);
  EXPECT_THAT(out(), HasSubstr("no job is at work"));
}

TEST_F(TopTest, ShowsRecordsASecondSinceTheLastPictureTheFastestFirst) {
  Answer(Jobs(100, 0));
  Answer(Jobs(200, 5'000));
  EXPECT_EQ(Run({"top", "--frames", "2", "--interval", "5"}, connection_), 0) << err();
  EXPECT_THAT(out(), ::testing::ContainsRegex(
                         "quick [^\n]*CLOSED +50% +5,000 +0 +1,000 [^\n]*\nslow [^\n]*CLOSED +2% +200 +0 +20 "));
  EXPECT_THAT(timer_.sleeps(), ::testing::ElementsAre(absl::Seconds(5)));
}

TEST_F(TopTest, AJobWhoseIdNamesAnotherOneByNowHasNoNegativeRate) {
  Answer(Jobs(9'000, 0));
  Answer(Jobs(10, 0));
  EXPECT_EQ(Run({"top", "--frames", "2"}, connection_), 0);
  EXPECT_THAT(out(), ::testing::ContainsRegex("slow [^\n]*CLOSED +0% +10 +0 +0 "));
}

TEST_F(TopTest, AServerThatGoesAwayIsWaitedForOnceItWasThere) {
  Answer(absl::UnavailableError("away"));
  EXPECT_EQ(Run({"top", "--frames", "3"}, connection_), 5) << "nothing was seen yet";
  Answer(Jobs(1, 2));
  Answer(absl::UnavailableError("away"));
  Answer(Jobs(3, 4));
  EXPECT_EQ(Run({"top", "--frames", "3"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("the server cannot be reached; this is how it was"));
}

TEST_F(TopTest, ATerminalIsLeftAsItWas) {
  is_terminal_ = true;
  variables_["NO_COLOR"] = "1";
  Answer(Jobs(1, 2));
  Answer(Jobs(1, 2));
  EXPECT_EQ(Run({"top", "--frames", "2"}, connection_), 0) << err();
  EXPECT_THAT(out(), StartsWith("\x1b[?1049h"));
  EXPECT_THAT(out(), ::testing::EndsWith("\x1b[?1049l"));
}

TEST_F(TopTest, OnlyAsManyJobsAreDrawnAsTheTerminalHasLines) {
  v1::DescribePipelinesResponse many;
  for (int i = 0; i < 30; ++i) many.add_active_pipelines()->set_id(absl::StrCat("job-", i));
  Answer(many);
  EXPECT_EQ(Run({"top"}, connection_), 0);
  EXPECT_THAT(out(), HasSubstr("job-17 "));
  EXPECT_THAT(out(), Not(HasSubstr("job-18 ")));
  EXPECT_THAT(out(), HasSubstr("and 12 others"));
}

TEST_F(TopTest, PrintsADocumentAPictureAsJson) {
  Answer(Jobs(1, 2));
  Answer(Jobs(3, 4));
  EXPECT_EQ(Run({"top", "--frames", "2", "-o", "json"}, connection_), 0);
  EXPECT_THAT(out(), HasSubstr("activePipelines"));
  EXPECT_EQ(Run({"top", "--interval", "0"}), 2);
}

}  // namespace
}  // namespace millrace::cli
