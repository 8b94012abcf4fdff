#include "server/core/source_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::core {
namespace {

namespace fs = std::filesystem;

using ::millrace::testing::IsOk;
using ::testing::HasSubstr;

class SourceFoldersTest : public ::testing::Test {
 protected:
  SourceFoldersTest() {
    fs::create_directories(root_ / "in" / "sub");
    fs::create_directories(root_ / "outside");
    Write("in/a.csv");
    Write("in/sub/b.csv");
    Write("outside/secret.csv");
    folders_ = *SourceFolders::Make({root_ / "in"});
  }

  void Write(const std::string& name) const { std::ofstream(root_ / name) << "12345"; }

  std::string ErrorOf(const std::string& path) const {
    const absl::StatusOr<SourceFile> file = folders_.Open(path);
    return file.ok() ? "opened " + file->path() : std::string(file.status().message());
  }

  const harness::TemporaryFolder folder_;
  const fs::path root_ = fs::canonical(folder_.path());
  SourceFolders folders_;
};

TEST_F(SourceFoldersTest, FilesWithinAreOpenedByAnyOfTheirNames) {
  ASSERT_OK_AND_ASSIGN(const SourceFile file, folders_.Open("a.csv"));
  EXPECT_EQ(file.path(), root_ / "in" / "a.csv");
  EXPECT_EQ(file.size_bytes(), 5);
  EXPECT_GT(file.modify_time(), absl::UnixEpoch());
  for (const std::string path : {"./sub/b.csv", "sub/../sub/b.csv"}) EXPECT_THAT(folders_.Open(path), IsOk()) << path;
  EXPECT_THAT(folders_.Open(root_ / "in" / "sub" / "b.csv"), IsOk());
}

TEST_F(SourceFoldersTest, NothingOutsideIsOpened) {
  for (const std::string& path : {std::string("../outside/secret.csv"), std::string("sub/../../outside/secret.csv"),
                                  std::string(root_ / "outside" / "secret.csv"), std::string("/etc/passwd"),
                                  std::string(root_ / "in" / ".." / "outside" / "secret.csv")}) {
    EXPECT_THAT(ErrorOf(path), HasSubstr("is in no source folder of the server (--source-dir)")) << path;
  }
}

TEST_F(SourceFoldersTest, WhatIsOutsideIsNotToldFromWhatDoesNotExist) {
  const std::string there = ErrorOf(root_ / "outside" / "secret.csv");
  const std::string not_there = ErrorOf(root_ / "outside" / "nobody.csv");
  EXPECT_EQ(there.substr(there.find("' is in")), not_there.substr(not_there.find("' is in")));
}

TEST_F(SourceFoldersTest, LinksDoNotLeadOut) {
  fs::create_symlink(root_ / "outside" / "secret.csv", root_ / "in" / "link.csv");
  fs::create_directory_symlink(root_ / "outside", root_ / "in" / "way");
  EXPECT_THAT(ErrorOf("link.csv"), HasSubstr("is in no source folder"));
  EXPECT_THAT(ErrorOf("way/secret.csv"), HasSubstr("is in no source folder"));
  EXPECT_THAT(ErrorOf("way/nobody.csv"), HasSubstr("is in no source folder"));
  EXPECT_THAT(ErrorOf("way/../secret.csv"), HasSubstr("is in no source folder"));
}

TEST_F(SourceFoldersTest, LinksWithinAreFollowedAndTheFileIsCalledByItsOwnName) {
  fs::create_symlink("sub/b.csv", root_ / "in" / "link.csv");
  ASSERT_OK_AND_ASSIGN(const SourceFile file, folders_.Open("link.csv"));
  EXPECT_EQ(file.path(), root_ / "in" / "sub" / "b.csv");
}

TEST_F(SourceFoldersTest, AFolderMayBeNamedByALink) {
  fs::create_directory_symlink(root_ / "in", root_ / "alias");
  ASSERT_OK_AND_ASSIGN(const SourceFolders folders, SourceFolders::Make({root_ / "alias" / ""}));
  EXPECT_THAT(folders.Open(root_ / "alias" / "a.csv"), IsOk());
  EXPECT_THAT(folders.Open(root_ / "in" / "a.csv"), IsOk());
  EXPECT_THAT(folders.Open("a.csv"), IsOk());
}

TEST_F(SourceFoldersTest, ARelativePathIsLookedForInEachFolder) {
  ASSERT_OK_AND_ASSIGN(const SourceFolders folders, SourceFolders::Make({root_ / "in", root_ / "outside"}));
  ASSERT_OK_AND_ASSIGN(const SourceFile file, folders.Open("secret.csv"));
  EXPECT_EQ(file.path(), root_ / "outside" / "secret.csv");
}

TEST_F(SourceFoldersTest, WhatIsNoRegularFileIsRefused) {
  ASSERT_EQ(::mkfifo((root_ / "in" / "pipe.csv").c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf("pipe.csv"), HasSubstr("is not a regular file"));
  EXPECT_THAT(ErrorOf("sub"), HasSubstr("is not a regular file"));
  EXPECT_THAT(ErrorOf("nobody.csv"), HasSubstr("cannot be opened: No such file or directory"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("is required"));
  EXPECT_THAT(ErrorOf(std::string("a\0b", 3)), HasSubstr("zero byte"));
  EXPECT_THAT(ErrorOf(std::string(5'000, 'a')), HasSubstr("expected at most 4096 bytes"));
}

TEST_F(SourceFoldersTest, AFolderThatIsNoneIsNamed) {
  EXPECT_THAT(std::string(SourceFolders::Make({root_ / "in" / "a.csv"}).status().message()),
              HasSubstr("a.csv: it is not a folder"));
  EXPECT_THAT(std::string(SourceFolders::Make({root_ / "none"}).status().message()), HasSubstr("No such file"));
}

TEST_F(SourceFoldersTest, WithoutFoldersNothingIsOpened) {
  EXPECT_THAT(std::string(SourceFolders().Open("/etc/passwd").status().message()), HasSubstr("is in no source folder"));
}

}  // namespace
}  // namespace millrace::core
