// Jobs that run for records of a bulk run: their list is sound as stored, and found where something is off.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/storage/maintenance/maintenance_fixture.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using millrace::testing::ExampleJob;
using millrace::testing::IsOk;
using store::At;

class AuditChildrenTest : public MaintenanceTest {
 protected:
  /// `child` runs for a record of `job-1`.
  AuditChildrenTest() {
    Open();
    const model::JobPtr bulk = *store_->GetJob(Key("job-1"));
    model::Job child = ExampleJob("child");
    child.parent = {.job_id = bulk->id, .job_create_time = bulk->create_time, .sequence = 1, .attempt = 1, .depth = 1};
    const auto created = store_->CreateJob(std::move(child));
    EXPECT_THAT(created, IsOk());
    row_ = format::ChildJobKey(bulk->key(), (*created)->create_time, "child");
    store_.reset();
  }

  void ExpectFound(const std::string& text) {
    const std::string findings = Findings();
    EXPECT_NE(findings.find(text), std::string::npos) << "expected: " << text << "\nfound:\n" << findings;
  }

  std::string row_;
};

TEST_F(AuditChildrenTest, AJobInTheListOfItsBulkRunIsSound) { EXPECT_EQ(Findings(), ""); }

TEST_F(AuditChildrenTest, AJobThatIsMissingInTheListIsFound) {
  Break([&](engine::Engine&, engine::WriteUnit& unit) { unit.Delete(At(Family::kIndex), row_); });
  ExpectFound("it is not in the list of the bulk run that it ran for");
}

TEST_F(AuditChildrenTest, AJobThatIsInTheListOfAnotherIsFound) {
  Break([&](engine::Engine&, engine::WriteUnit& unit) {
    unit.Put(At(Family::kIndex), format::ChildJobKey(Key("job-2"), millrace::testing::At(0), "child"), "");
    unit.Put(At(Family::kIndex), format::ChildJobKey(Key("job-2"), millrace::testing::At(0), "nobody"), "");
  });
  ExpectFound("job child is in the list of its child jobs and is none of them");
  ExpectFound("job nobody is in the list of its child jobs and is none of them");
}

}  // namespace
}  // namespace millrace::maintenance
