// What is left of jobs whose retention is over, and what webhooks are still to be told.
#include <string>

#include "storage/store/notice_store.h"
#include "tests/storage/maintenance/maintenance_fixture.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using store::At;

class AuditEndingsTest : public MaintenanceTest {
 protected:
  /// `kept` has ended and is due in an hour, `dropped` had two exceptions that its retention dropped; both have told nobody.
  AuditEndingsTest() {
    Open();
    for (const char* id : {"kept", "dropped"}) {
      model::Job job = millrace::testing::ExampleJob(id);
      job.options.webhook = {.url = "http://h", .tells_end = true};
      job.options.retention = absl::Hours(1);
      job.options.drop_unresolved_exceptions = true;
      EXPECT_THAT(store_->CreateJob(job), millrace::testing::IsOk());
      Push(Key(id), "a");
      Commit(Key(id), 1, 2);
    }
    EXPECT_THAT(store_->CloseJob(Key("dropped")), millrace::testing::IsOk());
    clock_.Advance(absl::Hours(1));
    EXPECT_THAT(store_->CloseJob(Key("kept")), millrace::testing::IsOk());
    EXPECT_EQ(*store_->ExpireJob(Key("dropped")), model::Expiration::kDropped);
    EXPECT_EQ(store_->notices().ListNotices({}, 10)->size(), 2U);
    store_.reset();
  }

  model::Expiry Expiry() const { return {clock_.Now() + absl::Hours(1), Key("kept")}; }
};

TEST_F(AuditEndingsTest, WhatIsLeftIsSound) { EXPECT_EQ(Findings(), ""); }

TEST_F(AuditEndingsTest, AJobThatWouldNeverBeLookedAtIsFound) {
  Break(
      [&](engine::Engine&, engine::WriteUnit& unit) { unit.Delete(At(Family::kIndex), format::ExpiryKey(Expiry())); });
  EXPECT_EQ(Findings(),
            "expiry default/kept expire_time=2024-01-01T02:00:00+00:00: the job has ended, but is not listed\n");
}

TEST_F(AuditEndingsTest, RowsThatADroppedJobMustNotHaveAreFound) {
  Break([&](engine::Engine&, engine::WriteUnit& unit) {
    unit.Put(At(Family::kResults), format::ResultKey(Key("dropped"), 1), "");
  });
  EXPECT_EQ(Findings(), "job default/dropped: it was dropped, but has rows among its results\n");
}

TEST_F(AuditEndingsTest, ANoticeThatCannotBeReadIsFound) {
  const model::NoticeKey notice{Key("gone"), clock_.Now(), 3};
  Break([&](engine::Engine&, engine::WriteUnit& unit) {
    unit.Put(At(Family::kIndex), format::NoticeRowKey(notice), "damaged");
  });
  EXPECT_NE(Findings().find("notice tenant=default job_id=gone"), std::string::npos);
}

}  // namespace
}  // namespace millrace::maintenance
