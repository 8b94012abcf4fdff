// What stands in the way of opening a folder is said in words that help.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "storage/engine/engine.h"
#include "tests/support/not_root.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::engine {
namespace {

using harness::TemporaryFolder;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::MetadataOf;
using ::millrace::testing::NotRoot;
using model::Reason;
using ::testing::HasSubstr;

absl::StatusOr<std::unique_ptr<Engine>> Open(const std::filesystem::path& folder) {
  EngineOptions options;
  options.folder = folder;
  options.families = {{"rows", false, false}};
  return OpenEngine(options);
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST(OpenEngineTest, MakesTheFolderWithItsParents) {
  const TemporaryFolder root;
  const std::filesystem::path folder = root.path() / "a" / "b" / "c";
  ASSERT_THAT(Open(folder), IsOk());
  EXPECT_TRUE(std::filesystem::is_directory(folder));
}

TEST(OpenEngineTest, AFolderThatIsOpenIsRefusedByName) {
  const TemporaryFolder root;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> first, Open(root.path()));
  const absl::Status second = Open(root.path()).status();
  EXPECT_THAT(second, IsError(Reason::kStorageFailed));
  EXPECT_THAT(MessageOf(second), HasSubstr(root.path().string()));
  EXPECT_THAT(MessageOf(second), HasSubstr("another process has it open"));
  EXPECT_EQ(MetadataOf(second, "folder"), root.path().string());
}

TEST(OpenEngineTest, AFolderIsFreeOnceItsEngineIsGone) {
  const TemporaryFolder root;
  { ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> first, Open(root.path())); }
  EXPECT_THAT(Open(root.path()), IsOk());
}

TEST(OpenEngineTest, AFileInPlaceOfTheFolderIsNamed) {
  const TemporaryFolder root;
  const std::filesystem::path file = root.path() / "file";
  std::ofstream(file) << "text";
  const absl::Status in_place = Open(file).status();
  EXPECT_THAT(in_place, IsError(Reason::kStorageFailed));
  EXPECT_THAT(MessageOf(in_place), HasSubstr(file.string() + " is a file"));

  const absl::Status below = Open(file / "data").status();
  EXPECT_THAT(below, IsError(Reason::kStorageFailed));
  EXPECT_THAT(MessageOf(below), HasSubstr((file / "data").string() + " cannot be made"));
}

TEST(OpenEngineTest, AFolderThatCannotBeMadeIsNamed) {
  // Nobody makes folders there, not even root.
  const absl::Status refused = Open("/proc/millrace-data").status();
  EXPECT_THAT(refused, IsError(Reason::kStorageFailed));
  EXPECT_THAT(MessageOf(refused), HasSubstr("/proc/millrace-data cannot be made"));
}

TEST(OpenEngineTest, AFolderThatCannotBeWrittenIsNamed) {
  using std::filesystem::perms;
  const TemporaryFolder root;
  const perms read_only = perms::all & ~(perms::owner_write | perms::group_write | perms::others_write);
  const std::filesystem::path folder = root.path() / "data";
  std::filesystem::create_directory(folder);
  std::filesystem::permissions(root.path(), read_only | perms::owner_write);
  std::filesystem::permissions(folder, read_only);
  const NotRoot not_root;
  const absl::Status refused = Open(folder).status();
  EXPECT_THAT(refused, IsError(Reason::kStorageFailed));
  EXPECT_THAT(MessageOf(refused), HasSubstr(folder.string() + " cannot be written"));
}

TEST(OpenEngineTest, DamagedFilesAreCalledDamaged) {
  const TemporaryFolder root;
  { ASSERT_THAT(Open(root.path()), IsOk()); }
  std::ofstream(root.path() / "CURRENT") << "no manifest\n";
  const absl::Status damaged = Open(root.path()).status();
  EXPECT_THAT(damaged, IsError(Reason::kStorageCorrupt));
  EXPECT_THAT(MessageOf(damaged), HasSubstr(root.path().string()));
}

TEST(OpenEngineTest, AFamilyThatAnOlderVersionDidNotHaveIsReadAsEmpty) {
  const TemporaryFolder root;
  EngineOptions options;
  options.folder = root.path();
  options.families = {{"old", false, false}};
  options.log_bytes = 1;
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> engine, OpenEngine(options));
    for (int i = 0; i < 3; ++i) {
      const std::unique_ptr<WriteUnit> unit = engine->NewUnit();
      unit->Put(0, "key", "value");
      ASSERT_THAT(engine->Write(*unit, true), IsOk());
    }
  }
  options.families = {{"new", false, false}, {"old", false, false}};
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> engine, OpenEngineToRead(options, true));
  EXPECT_FALSE(engine->Scan(0, "", "\xff")->valid());
  EXPECT_EQ(*engine->Get(0, "unflushed"), std::nullopt);
  EXPECT_EQ(*engine->Get(1, "key"), "value");
}

}  // namespace
}  // namespace millrace::engine
