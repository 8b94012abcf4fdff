#include "tools/db/db_cli.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "storage/store/rocks_job_store.h"
#include "tests/support/factories.h"
#include "tests/support/not_root.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::db {
namespace {

/// A data folder with one job of one chunk.
class DbCliTest : public ::testing::Test {
 protected:
  DbCliTest() {
    Open();
    EXPECT_THAT(store_->CreateServiceVersion(millrace::testing::ExampleVersion()), millrace::testing::IsOk());
    EXPECT_THAT(store_->CreateJob(millrace::testing::ExampleJob("job-1")), millrace::testing::IsOk());
    store::PushChunks push{.job = {std::string(millrace::testing::kTenant), "job-1"}, .chunks = {}};
    push.chunks.push_back(millrace::testing::ExampleChunk("a"));
    EXPECT_THAT(
        store::Await<store::PushReceipt>([&](auto done) { store_->PushChunks(std::move(push), std::move(done)); }),
        millrace::testing::IsOk());
    store_.reset();
  }

  void Open() { store_ = *store::OpenRocksJobStore({.folder = Path("data"), .clock = &clock_}); }

  std::string Path(const std::string& name) const { return (folder_.path() / name).string(); }

  int Run(const std::vector<std::string>& arguments) {
    out_.str("");
    err_.str("");
    return RunDb(arguments, {.out = out_, .err = err_, .clock = clock_, .random_seed = 1});
  }

  model::ManualClock clock_{millrace::testing::At(0)};
  harness::TemporaryFolder folder_;
  std::unique_ptr<store::JobStore> store_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(DbCliTest, StatsCountsJobsAndRows) {
  ASSERT_EQ(Run({"stats", Path("data")}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("chunks                   1"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("jobs IN_PROGRESS             1"), std::string::npos) << out_.str();
}

TEST_F(DbCliTest, ScanNamesTheKeysThatAreAskedFor) {
  ASSERT_EQ(Run({"scan", Path("data"), "--family", "chunks", "--job", "default/job-1"}), kOk) << err_.str();
  EXPECT_EQ(out_.str().find("chunks  chunk default/job-1 sequence=1  "), 0u) << out_.str();
  ASSERT_EQ(Run({"scan", Path("data"), "--job", "default/other"}), kOk);
  EXPECT_EQ(out_.str(), "");
  ASSERT_EQ(Run({"scan", Path("data"), "--limit", "1"}), kOk);
  EXPECT_NE(out_.str().find("more follows"), std::string::npos);
}

TEST_F(DbCliTest, ScanSaysWhichFamiliesThereAre) {
  EXPECT_EQ(Run({"scan", Path("data"), "--family", "chunk"}), kFailed);
  EXPECT_NE(err_.str().find("chunks"), std::string::npos) << err_.str();
}

TEST_F(DbCliTest, ABackupIsMadeVerifiedAndRestored) {
  ASSERT_EQ(Run({"backup", Path("data"), Path("backup")}), kOk) << err_.str();
  ASSERT_EQ(Run({"verify", "--backup", Path("backup")}), kOk) << out_.str();
  EXPECT_NE(out_.str().find("sound"), std::string::npos) << out_.str();
  ASSERT_EQ(Run({"restore", Path("backup"), Path("restored")}), kOk) << err_.str();
  ASSERT_EQ(Run({"verify", Path("restored")}), kOk) << out_.str();
  EXPECT_EQ(Run({"restore", Path("backup"), Path("restored")}), kFailed);
  EXPECT_NE(err_.str().find("not empty"), std::string::npos) << err_.str();
}

TEST_F(DbCliTest, HalfABackupIsSaidToBeOne) {
  ASSERT_EQ(Run({"backup", Path("data"), Path("backup")}), kOk) << err_.str();
  std::filesystem::remove(Path("backup/MANIFEST.millrace"));
  EXPECT_EQ(Run({"verify", "--backup", Path("backup")}), kUnsound);
  EXPECT_NE(out_.str().find("never finished"), std::string::npos) << out_.str();
  EXPECT_EQ(Run({"restore", Path("backup"), Path("restored")}), kUnsound);
  EXPECT_NE(err_.str().find("never finished"), std::string::npos) << err_.str();
}

TEST_F(DbCliTest, AFolderThatAServerHasOpenIsRefused) {
  Open();
  for (const char* command : {"stats", "scan", "verify"}) {
    EXPECT_EQ(Run({command, Path("data")}), kFailed) << command;
    EXPECT_NE(err_.str().find("is in use"), std::string::npos) << err_.str();
  }
  EXPECT_EQ(Run({"backup", Path("data"), Path("backup")}), kFailed);
  EXPECT_NE(err_.str().find("is in use"), std::string::npos) << err_.str();
}

TEST_F(DbCliTest, WhereThereIsNoStoreNoneIsMade) {
  for (const char* command : {"stats", "verify"}) EXPECT_EQ(Run({command, Path("nowhere")}), kFailed);
  EXPECT_EQ(Run({"backup", Path("nowhere"), Path("backup")}), kFailed);
  EXPECT_FALSE(std::filesystem::exists(Path("nowhere")));
  EXPECT_FALSE(std::filesystem::exists(Path("backup")));
}

TEST_F(DbCliTest, AFolderThatMayNotBeLookedIntoIsSaidToBeOne) {
  std::filesystem::permissions(Path("data"), std::filesystem::perms::owner_all);
  const millrace::testing::NotRoot not_root;
  for (const char* command : {"stats", "scan", "verify"}) {
    EXPECT_EQ(Run({command, Path("data")}), kFailed) << command;
    EXPECT_NE(err_.str().find("cannot look into " + Path("data") + ": Permission denied"), std::string::npos)
        << err_.str();
  }
}

TEST_F(DbCliTest, WrongCommandLinesEndWithTwo) {
  EXPECT_EQ(Run({}), kUsage);
  EXPECT_EQ(Run({"stats"}), kUsage);
  EXPECT_EQ(Run({"repair", Path("data")}), kUsage);
}

}  // namespace
}  // namespace millrace::db
