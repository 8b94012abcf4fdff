// A backup of a server that works, and a server on what was restored from it.
#include <optional>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

class BackupTest : public E2eFixture {
 protected:
  void Start(const std::string& data, const std::vector<std::string>& flags) {
    auto server = harness::ServerProcess::Start(MILLRACED_BINARY, Path(data), 0, flags);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  int RunDb(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), MILLRACE_DB_BINARY);
    return RunAnything(arguments);
  }

  /// What is not finished of a backup.
  std::optional<std::filesystem::path> FindDraft(const std::string& name) const {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(Path("backups"), none)) {
      if (entry.path().filename().string().starts_with(name + ".partial-")) return entry.path();
    }
    return std::nullopt;
  }

  int64_t Submitted(const std::string& pipeline_id) const {
    v1::GetPipelineStatusRequest request;
    request.set_pipeline_id(pipeline_id);
    const auto status = Connect().GetPipelineStatus(request);
    EXPECT_TRUE(status.ok()) << status.status();
    return status.ok() ? status->chunks_submitted() : -1;
  }
};

TEST_F(BackupTest, ABackupUnderLoadHoldsWhatWasAcknowledgedBeforeIt) {
  Start("data", {"--log-level", "warn", "--backup-dir", Path("backups").string()});
  CreateStrikeService();
  const auto run =
      harness::Program::Start(Cli(MainJob("out.jsonl", "rejects.csv", {"--id", "busy", "--rate", "10000"})),
                              {.stdout_file = Path("run.out"), .stderr_file = Path("run.err")});
  ASSERT_TRUE(run.ok()) << run.status();
  AwaitCommitted(Connect(), "busy", 5);
  const int64_t acknowledged = Submitted("busy");
  ASSERT_EQ(RunCli({"server", "backup", "monday"}), 0) << Stderr();
  EXPECT_NE(Stdout().find("verified"), std::string::npos) << Stdout();
  EXPECT_EQ((*run)->Wait(), 0);
  EXPECT_NE(RunCli({"server", "backup", "monday"}), 0) << "the name is taken";
  ASSERT_EQ(server_->Terminate(), 0);

  ASSERT_EQ(RunDb({"verify", "--backup", Path("backups/monday").string()}), 0) << Stdout() << Stderr();
  ASSERT_EQ(RunDb({"restore", Path("backups/monday").string(), Path("restored").string()}), 0) << Stderr();
  ASSERT_EQ(RunDb({"verify", Path("data").string()}), 0) << Stdout() << Stderr();
  Start("restored", {"--log-level", "warn"});
  EXPECT_GE(Submitted("busy"), acknowledged);
  EXPECT_EQ(RunCli({"services", "show", "aviation/strike-severity"}), 0) << Stderr();
}

TEST_F(BackupTest, HalfABackupOfAKilledServerIsRefusedAndTheStoreIsWhole) {
  const std::vector<std::string> flags = {"--log-level", "warn", "--backup-dir", Path("backups").string()};
  Start("data", flags);
  CreateStrikeService();
  ASSERT_EQ(RunCli(MainJob("out.jsonl", "rejects.csv")), 0) << Stderr();
  std::filesystem::path draft;
  // A backup that was finished before the kill shows nothing, so there is another try.
  for (int i = 0; draft.empty() && i < 100; ++i) {
    const std::string name = absl::StrCat("backup-", i);
    const auto saving = harness::Program::Start(Cli({"server", "backup", name}),
                                                {.stdout_file = Path("stdout"), .stderr_file = Path("stderr")});
    ASSERT_TRUE(saving.ok()) << saving.status();
    while (!std::filesystem::exists(Path("backups") / name) && !FindDraft(name).has_value()) {
    }
    server_->Kill();
    const std::optional<std::filesystem::path> found = FindDraft(name);
    if (found.has_value() && !std::filesystem::exists(*found / "MANIFEST.millrace")) draft = *found;
    Start("data", flags);
  }
  ASSERT_FALSE(draft.empty());

  EXPECT_EQ(RunDb({"restore", draft.string(), Path("restored").string()}), 1);
  EXPECT_NE(Stderr().find(draft.string() + " cannot be used as a backup"), std::string::npos) << Stderr();
  EXPECT_FALSE(std::filesystem::exists(Path("restored")));
  EXPECT_EQ(RunDb({"verify", "--backup", draft.string()}), 1);
  EXPECT_EQ(RunCli({"server", "backup", "whole"}), 0) << Stderr();
  ASSERT_EQ(server_->Terminate(), 0);
  EXPECT_EQ(RunDb({"verify", Path("data").string()}), 0) << Stdout();
}

TEST_F(BackupTest, AFolderForBackupsThatCannotBeMadeIsNamed) {
  Start("data", {"--log-level", "warn", "--backup-dir", "/proc/backups"});
  EXPECT_NE(RunCli({"server", "backup", "monday"}), 0);
  EXPECT_NE(Stderr().find("cannot make /proc/backups/monday"), std::string::npos) << Stderr();
}

TEST_F(BackupTest, ABackupStaysInsideItsFolder) {
  Start("data", {"--log-level", "warn", "--backup-dir", Path("backups").string()});
  for (const char* name : {"../outside", "/tmp/outside", ".hidden", "a/b", ".."}) {
    EXPECT_NE(RunCli({"server", "backup", name}), 0) << name;
    EXPECT_NE(Stderr().find("name"), std::string::npos) << Stderr();
  }
  EXPECT_FALSE(std::filesystem::exists(Path("backups")));
}

TEST_F(BackupTest, AServerWithoutAFolderForBackupsSaysSo) {
  StartServer();
  EXPECT_NE(RunCli({"server", "backup", "monday"}), 0);
  EXPECT_NE(Stderr().find("--backup-dir"), std::string::npos) << Stderr();
}

}  // namespace
}  // namespace millrace::e2e
