#include "storage/maintenance/backup.h"

#include <fstream>
#include <sstream>
#include <string>

#include "storage/maintenance/audit.h"
#include "storage/maintenance/manifest.h"
#include "tests/storage/maintenance/maintenance_fixture.h"

namespace millrace::maintenance {
namespace {

namespace fs = std::filesystem;
using millrace::testing::IsError;
using millrace::testing::IsOk;
using model::Reason;

class BackupTest : public MaintenanceTest {
 protected:
  absl::StatusOr<BackupInfo> Save(const std::string& name) {
    return CreateBackup([&](const fs::path& to) { return CheckpointFolder(data(), to); }, Path(name), "id",
                        millrace::testing::At(7));
  }

  static std::string Read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  /// The largest file of a backup.
  fs::path LargestFile(const std::string& name) const {
    fs::path largest;
    for (const auto& entry : fs::directory_iterator(Path(name) / "data")) {
      if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
    }
    return largest;
  }
};

TEST_F(BackupTest, ARestoredBackupIsTheStoreAsItWas) {
  const auto saved = Save("backup");
  ASSERT_THAT(saved, IsOk());
  EXPECT_EQ(saved->jobs, 4);
  EXPECT_EQ(saved->create_time, millrace::testing::At(7));
  EXPECT_GT(saved->bytes, 0);
  ASSERT_THAT(RestoreBackup(Path("backup"), Path("restored")), IsOk());
  const auto engine = OpenDataFolder(Path("restored"));
  ASSERT_THAT(engine, IsOk());
  const auto report = Audit(**engine);
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->sound());
  EXPECT_EQ(report->jobs, 4);
}

TEST_F(BackupTest, ABackupWhileTheStoreWorksHoldsWhatWasAcknowledgedBefore) {
  Open();
  Push(Key("job-1"), "late");
  const auto saved = CreateBackup([&](const fs::path& to) { return store_->Checkpoint(to); }, Path("backup"), "id",
                                  millrace::testing::At(7));
  ASSERT_THAT(saved, IsOk());
  Push(Key("job-1"), "too late");
  ASSERT_THAT(RestoreBackup(Path("backup"), Path("restored")), IsOk());
  const auto restored = store::OpenRocksJobStore({.folder = Path("restored"), .clock = &clock_});
  ASSERT_THAT(restored, IsOk());
  EXPECT_EQ((*(*restored)->GetJob(Key("job-1")))->last_sequence, 4);
}

TEST_F(BackupTest, ARestoredStoreLeavesTheBackupAsItWas) {
  ASSERT_THAT(Save("backup"), IsOk());
  ASSERT_THAT(RestoreBackup(Path("backup"), Path("restored")), IsOk());
  {
    const auto restored = store::OpenRocksJobStore({.folder = Path("restored"), .clock = &clock_});
    ASSERT_THAT(restored, IsOk());
    ASSERT_THAT((*restored)->CloseJob(Key("job-4")), IsOk());
  }
  EXPECT_THAT(CheckBackup(Path("backup")), IsOk());
}

TEST_F(BackupTest, ATakenNameIsRefusedAndNothingIsLeftBehind) {
  fs::create_directory(Path("backup"));
  EXPECT_THAT(Save("backup"), IsError(Reason::kBackupNameTaken));
  EXPECT_FALSE(fs::exists(Path("backup.partial-id")));
}

TEST_F(BackupTest, ADamagedStoreMakesNoBackup) {
  Break([&](engine::Engine&, engine::WriteUnit& unit) {
    unit.Delete(store::At(format::Family::kChunks), format::ChunkKey(Key("job-1"), 2));
  });
  const auto saved = Save("backup");
  EXPECT_THAT(saved, IsError(Reason::kBackupUnsound));
  EXPECT_NE(std::string(saved.status().message()).find("default/job-1"), std::string::npos) << saved.status();
  EXPECT_FALSE(fs::exists(Path("backup")));
  EXPECT_FALSE(fs::exists(Path("backup.partial-id")));
}

TEST_F(BackupTest, HalfABackupIsRefused) {
  ASSERT_THAT(Save("backup"), IsOk());
  // As it would look had the server been killed before the last step.
  fs::remove(Path("backup") / "MANIFEST.millrace");
  EXPECT_THAT(RestoreBackup(Path("backup"), Path("restored")), IsError(Reason::kBackupUnsound));
  EXPECT_FALSE(fs::exists(Path("restored")));
}

TEST_F(BackupTest, AManifestThatIsCutOffIsRefused) {
  ASSERT_THAT(Save("backup"), IsOk());
  const fs::path manifest = Path("backup") / "MANIFEST.millrace";
  const std::string text = Read(manifest);
  for (size_t size = 0; size < text.size() - 1; size += 13) {
    std::ofstream(manifest, std::ios::binary | std::ios::trunc) << text.substr(0, size);
    EXPECT_THAT(CheckBackup(Path("backup")), IsError(Reason::kBackupUnsound)) << size;
  }
}

TEST_F(BackupTest, AFileThatIsCutChangedOrMissingIsNamed) {
  ASSERT_THAT(Save("backup"), IsOk());
  const fs::path file = LargestFile("backup");
  const std::string whole = Read(file);
  // A link to the store's own file must not be written through.
  fs::remove(file);
  std::string changed = whole;
  changed[changed.size() / 2] ^= 1;
  for (const std::string& bytes : {whole.substr(0, whole.size() - 1), changed}) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    const auto checked = CheckBackup(Path("backup"));
    EXPECT_THAT(checked, IsError(Reason::kBackupUnsound));
    EXPECT_NE(std::string(checked.status().message()).find(file.filename().string()), std::string::npos);
  }
  fs::remove(file);
  EXPECT_THAT(RestoreBackup(Path("backup"), Path("restored")), IsError(Reason::kBackupUnsound));
}

TEST_F(BackupTest, ARestoreOverFilesIsRefusedAndTouchesNothing) {
  ASSERT_THAT(Save("backup"), IsOk());
  fs::create_directory(Path("full"));
  std::ofstream(Path("full") / "precious") << "mine";
  EXPECT_THAT(RestoreBackup(Path("backup"), Path("full")), IsError(Reason::kFolderNotEmpty));
  EXPECT_EQ(Read(Path("full") / "precious"), "mine");
  fs::create_directory(Path("empty"));
  EXPECT_THAT(RestoreBackup(Path("backup"), Path("empty")), IsOk());
}

TEST_F(BackupTest, AManifestCannotLeadOutOfTheBackup) {
  Manifest manifest{.create_time = millrace::testing::At(0), .files = {{"../../etc/passwd", {1, "00"}}}};
  EXPECT_THAT(ParseManifest(ToText(manifest)), IsError(Reason::kBackupUnsound));
  manifest.files = {{"/etc/passwd", {1, "00"}}};
  EXPECT_THAT(ParseManifest(ToText(manifest)), IsError(Reason::kBackupUnsound));
}

}  // namespace
}  // namespace millrace::maintenance
