#include "storage/format/notice_rows.h"

#include <gtest/gtest.h>

#include <string>

#include "storage/format/rows.h"
#include "tests/storage/format/sample_rows.h"
#include "tests/support/describe.h"
#include "tests/support/status_matchers.h"

namespace millrace::format {
namespace {

using ::millrace::testing::Describe;

model::Job ToldJob() {
  model::Job job = SampleJob();
  job.options.webhook = {.url = "https://hooks.example.org",
                         .secret = "ops",
                         .tells_end = true,
                         .tells_pause = true,
                         .tells_first_exception = true};
  job.options.retention = absl::Hours(1);
  job.options.drop_unresolved_exceptions = true;
  job.drop_time = millrace::testing::At(7);
  return job;
}

TEST(NoticeRowsTest, ANoticeComesBackWhole) {
  const model::Notice notice{SampleEvent(), ToldJob()};
  ASSERT_OK_AND_ASSIGN(const model::Notice decoded, DecodeNotice(notice.event.number, EncodeNotice(notice)));
  EXPECT_EQ(decoded.event, notice.event);
  EXPECT_EQ(Describe(decoded.job), Describe(notice.job));
  EXPECT_EQ(decoded.key(), notice.key());
}

TEST(NoticeRowsTest, TheWebhookAndTheRetentionOfAJobComeBackWhole) {
  const model::Job job = ToldJob();
  ASSERT_OK_AND_ASSIGN(const model::Job decoded, DecodeJob(EncodeJobDefinition(job), EncodeJobProgress(job)));
  EXPECT_EQ(Describe(decoded), Describe(job));
  EXPECT_EQ(decoded.options.webhook, job.options.webhook);
}

}  // namespace
}  // namespace millrace::format
