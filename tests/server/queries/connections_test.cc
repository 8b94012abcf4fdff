#include "server/queries/connections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::queries {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class ConnectionsTest : public ::testing::Test {
 protected:
  ConnectionsTest() { setenv("MILLRACE_TEST_SECRET", "hush", 1); }

  absl::StatusOr<Connections> Read(const std::string& text) const {
    std::ofstream(File(), std::ios::binary) << text;
    return Connections::Read(File());
  }

  std::string WrongIn(const std::string& text) const { return std::string(Read(text).status().message()); }

  std::filesystem::path File() const { return folder_.path() / "connections.yaml"; }

  const harness::TemporaryFolder folder_;
};

TEST_F(ConnectionsTest, BothKindsAreRead) {
  ASSERT_OK_AND_ASSIGN(const Connections read,
                       Read("archive: {sqlite: /var/lib/archive.db}\n"
                            "sales:\n  postgresql: host=db user=reader\n  password_env: MILLRACE_TEST_SECRET\n"));
  EXPECT_EQ(read.Names(), "archive, sales");
  ASSERT_NE(read.Find("archive"), nullptr);
  EXPECT_EQ(read.Find("archive")->database, Database::kSqlite);
  EXPECT_EQ(read.Find("archive")->target, "/var/lib/archive.db");
  ASSERT_NE(read.Find("sales"), nullptr);
  EXPECT_EQ(read.Find("sales")->name, "sales");
  EXPECT_EQ(read.Find("sales")->database, Database::kPostgresql);
  EXPECT_EQ(read.Find("sales")->target, "host=db user=reader");
  EXPECT_EQ(read.Find("sales")->password, "hush");
  EXPECT_EQ(read.Find("nobody"), nullptr);
}

TEST_F(ConnectionsTest, WhatIsWrongIsNamedWithFileLineAndField) {
  EXPECT_EQ(WrongIn("a: {sqlite: /a.db}\nb: {sqlite: b.db}\n"),
            File().string() + ":2: b.sqlite: expected an absolute path");
  EXPECT_THAT(WrongIn("a: {sqlite: /a.db}\n\nb:\n  mysql: x\n"), HasSubstr(":4: b.mysql: is not known"));
  EXPECT_THAT(WrongIn("a: {}\n"), HasSubstr(":1: a: expected either `sqlite"));
  EXPECT_THAT(WrongIn("a: {sqlite: /a.db, postgresql: host=b}\n"), HasSubstr("a: expected either"));
  EXPECT_THAT(WrongIn("a: 5\n"), HasSubstr(":1: a: expected a mapping"));
  EXPECT_THAT(WrongIn("a: {sqlite: [1]}\n"), HasSubstr("a.sqlite: expected a text"));
  EXPECT_THAT(WrongIn("a: {sqlite: /a}\na: {sqlite: /b}\n"), HasSubstr("is given twice"));
  EXPECT_THAT(WrongIn("a: {sqlite: /a, sqlite: /b}\n"), HasSubstr("a.sqlite: is given twice"));
  EXPECT_THAT(WrongIn("'a b': {sqlite: /a}\n"), HasSubstr(":1: the name of a connection is"));
  EXPECT_THAT(WrongIn("[1, 2]\n"), HasSubstr("expected a mapping of names"));
  EXPECT_THAT(WrongIn("a: {sqlite: /a\n"), HasSubstr(File().string() + ":"));
  EXPECT_THAT(WrongIn(""), HasSubstr("found none"));
  EXPECT_THAT(std::string(Connections::Read(folder_.path() / "none").status().message()), EndsWith("none"));
}

TEST_F(ConnectionsTest, SecretsComeFromTheEnvironmentAlone) {
  EXPECT_THAT(WrongIn("a: {postgresql: host=b, password_env: MILLRACE_TEST_NOBODY}\n"),
              HasSubstr(":1: a.password_env: the environment has no variable MILLRACE_TEST_NOBODY"));
  EXPECT_THAT(WrongIn("a: {sqlite: /a.db, password_env: MILLRACE_TEST_SECRET}\n"), HasSubstr("has no password"));
  const std::string written = WrongIn("a: {postgresql: host=b password=hush}\n");
  EXPECT_THAT(written, HasSubstr(":1: a.postgresql: holds a password"));
  EXPECT_THAT(written, ::testing::Not(HasSubstr("hush")));
  EXPECT_THAT(WrongIn("a: {postgresql: 'host=b colour=red'}\n"), HasSubstr("colour"));
}

}  // namespace
}  // namespace millrace::queries
