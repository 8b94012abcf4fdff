// Backups that are cut short, and folders that may not be used: what is refused, in which words, and what is left.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "storage/maintenance/backup.h"
#include "tests/storage/maintenance/maintenance_fixture.h"
#include "tests/support/not_root.h"

namespace millrace::maintenance {
namespace {

namespace fs = std::filesystem;
using millrace::testing::IsError;
using millrace::testing::IsOk;
using millrace::testing::NotRoot;
using model::Reason;
using ::testing::HasSubstr;
using ::testing::KilledBySignal;

class BackupFaultsTest : public MaintenanceTest {
 protected:
  // Others may look into the folder of the test, so that what they may not is what the test says.
  BackupFaultsTest() { Allow(folder_.path(), fs::perms::owner_all | kOthersRead); }
  ~BackupFaultsTest() override {
    for (const fs::path& path : closed_) Allow(path, fs::perms::owner_all);
  }

  static constexpr fs::perms kOthersRead =
      fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec;

  static void Allow(const fs::path& path, fs::perms perms) { fs::permissions(path, perms); }

  /// Takes all rights away, until the test ends.
  void Close(const fs::path& path) {
    Allow(path, fs::perms::none);
    closed_.push_back(path);
  }

  absl::StatusOr<BackupInfo> Save(const std::string& name) {
    return CreateBackup([&](const fs::path& to) { return CheckpointFolder(data(), to); }, Path(name), "id",
                        millrace::testing::At(7));
  }

  static std::string Message(const absl::Status& status) { return std::string(status.message()); }

  /// What is in the files of a folder, by name.
  static std::map<std::string, std::string> Contents(const fs::path& folder) {
    std::map<std::string, std::string> contents;
    for (const auto& entry : fs::directory_iterator(folder)) {
      std::ostringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      contents[entry.path().filename().string()] = text.str();
    }
    return contents;
  }

 private:
  std::vector<fs::path> closed_;
};

TEST_F(BackupFaultsTest, ABackupThatWasKilledHalfWayIsRefusedByNameAndTheNextOneIsMade) {
  const std::map<std::string, std::string> before = Contents(data());
  ASSERT_THAT(CheckpointFolder(data(), Path("files")), IsOk());
  const std::map<std::string, std::string> files = Contents(Path("files"));
  // Another process, killed when it has written half of the files, the last of them half.
  const auto die_half_way = [&](const fs::path& to) {
    fs::create_directory(to);
    size_t written = 0;
    for (const auto& [name, bytes] : files) {
      const bool is_last = ++written > files.size() / 2;
      std::ofstream(to / name, std::ios::binary) << bytes.substr(0, is_last ? bytes.size() / 2 : bytes.size());
      if (is_last) std::raise(SIGKILL);
    }
    return absl::OkStatus();
  };
  EXPECT_EXIT(static_cast<void>(CreateBackup(die_half_way, Path("backup"), "id", millrace::testing::At(7))),
              KilledBySignal(SIGKILL), "");

  EXPECT_FALSE(fs::exists(Path("backup"))) << "half a backup has the name of a whole one";
  const fs::path draft = Path("backup.partial-id");
  ASSERT_TRUE(fs::exists(draft));
  for (const absl::Status& refused : {CheckBackup(draft).status(), RestoreBackup(draft, Path("restored")).status()}) {
    EXPECT_THAT(refused, IsError(Reason::kBackupUnsound));
    EXPECT_THAT(Message(refused), HasSubstr(draft.string() + " cannot be used as a backup"));
    EXPECT_THAT(Message(refused), HasSubstr("never finished"));
  }
  EXPECT_FALSE(fs::exists(Path("restored")));
  EXPECT_EQ(Contents(data()), before) << "the source was touched";
  EXPECT_EQ(Findings(), "");
  fs::remove_all(draft);
  EXPECT_THAT(Save("backup"), IsOk());
}

TEST_F(BackupFaultsTest, SavingAClosedFolderChangesNothingInIt) {
  const std::map<std::string, std::string> before = Contents(data());
  ASSERT_THAT(Save("backup"), IsOk());
  EXPECT_EQ(Contents(data()), before);
}

TEST_F(BackupFaultsTest, WhatLiesBesideTheStoreIsNoPartOfABackup) {
  std::ofstream(data() / "deaths") << "millrace-deaths-1";
  std::ofstream(data() / "flight_recorder") << "MILLRCD1";
  EXPECT_EQ(Findings(), "");
  ASSERT_THAT(Save("backup"), IsOk());
  EXPECT_FALSE(fs::exists(Path("backup") / "data" / "deaths"));
  EXPECT_FALSE(fs::exists(Path("backup") / "data" / "flight_recorder"));
}

TEST_F(BackupFaultsTest, APlaceWhereNoBackupMayBeMadeIsNamed) {
  fs::create_directory(Path("other's"));
  const NotRoot not_root;
  const absl::Status refused = Save("other's/backup").status();
  EXPECT_THAT(refused, IsError(Reason::kStorageFailed));
  EXPECT_THAT(Message(refused), HasSubstr(Path("other's/backup").string()));
  EXPECT_THAT(Message(refused), HasSubstr("Permission denied"));
}

TEST_F(BackupFaultsTest, ABackupThatMayNotBeReadIsNotCalledDamaged) {
  ASSERT_THAT(Save("backup"), IsOk());
  for (const fs::path& closed : {Path("backup") / "MANIFEST.millrace", Path("backup")}) {
    Close(closed);
    const NotRoot not_root;
    const absl::Status refused = RestoreBackup(Path("backup"), Path("restored")).status();
    EXPECT_THAT(refused, IsError(Reason::kStorageFailed));
    EXPECT_THAT(Message(refused), HasSubstr(closed.string()));
    EXPECT_THAT(Message(refused), HasSubstr("Permission denied"));
  }
}

TEST_F(BackupFaultsTest, APlaceWhereNothingMayBeRestoredIsNamed) {
  ASSERT_THAT(Save("backup"), IsOk());
  for (const auto& entry : fs::recursive_directory_iterator(Path("backup"))) {
    Allow(entry.path(), fs::perms::owner_all | kOthersRead);
  }
  Allow(Path("backup"), fs::perms::owner_all | kOthersRead);
  fs::create_directory(Path("other's"));
  const NotRoot not_root;
  const absl::Status refused = RestoreBackup(Path("backup"), Path("other's/data")).status();
  EXPECT_THAT(refused, IsError(Reason::kStorageFailed));
  EXPECT_THAT(Message(refused), HasSubstr(Path("other's/data").string()));
  EXPECT_THAT(Message(refused), HasSubstr("Permission denied"));
}

TEST_F(BackupFaultsTest, ADataFolderWithAFileOfAnotherUserSaysWhatToDo) {
  Allow(data(), fs::perms::all);
  Allow(data() / "LOCK", fs::perms::all);
  for (const auto& entry : fs::directory_iterator(data())) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) Close(entry.path());
  }
  const NotRoot not_root;
  for (const absl::Status& refused :
       {OpenDataFolder(data()).status(), store::OpenRocksJobStore({.folder = data(), .clock = &clock_}).status()}) {
    EXPECT_THAT(refused, IsError(Reason::kStorageFailed));
    EXPECT_THAT(Message(refused), HasSubstr(data().string()));
    EXPECT_THAT(Message(refused), HasSubstr("chown"));
  }
}

TEST_F(BackupFaultsTest, AFolderOfAnOlderVersionThatLacksAFamilyIsRead) {
  const store::RocksJobStoreOptions options{.folder = data()};
  engine::EngineOptions newer = store::EngineOptionsOf(options);
  newer.families.push_back({"of a newer version", false, false});
  const auto engine = engine::OpenEngineToRead(newer, true);
  ASSERT_THAT(engine, IsOk());
  const auto cursor = (*engine)->Scan(newer.families.size() - 1, "", "\xff");
  EXPECT_FALSE(cursor->valid());
  EXPECT_THAT(cursor->status(), IsOk());
  EXPECT_TRUE(store::LoadJob(**engine, Key("job-1")).ok());
}

}  // namespace
}  // namespace millrace::maintenance
