#include "tools/millrace/record_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tools/harness/temporary_folder.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;

class RecordWriterTest : public ::testing::Test {
 protected:
  std::string Path() const { return folder_.path() / "out"; }

  std::string Text() const {
    std::ostringstream text;
    text << std::ifstream(Path()).rdbuf();
    return text.str();
  }

  std::unique_ptr<OutputFile> File() const { return *OutputFile::Create(Path()); }

 private:
  harness::TemporaryFolder folder_;
};

TEST_F(RecordWriterTest, AFileHasItsNameOnlyWhenItIsCommitted) {
  auto file = File();
  ASSERT_TRUE(file->Append("half").ok());
  EXPECT_FALSE(std::filesystem::exists(Path()));
  EXPECT_TRUE(std::filesystem::exists(Path() + ".partial"));
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Text(), "half");
  EXPECT_FALSE(std::filesystem::exists(Path() + ".partial"));
}

TEST_F(RecordWriterTest, AFileThatIsGivenUpStaysPartialAndLeavesTheOldOneAlone) {
  std::ofstream(Path()) << "old";
  ASSERT_TRUE(File()->Append("new").ok());
  EXPECT_EQ(Text(), "old");
  EXPECT_TRUE(std::filesystem::exists(Path() + ".partial"));
}

TEST_F(RecordWriterTest, AFolderThatDoesNotExistIsNamed) {
  EXPECT_THAT(std::string(OutputFile::Create("/no/such/folder/out.csv").status().message()),
              HasSubstr("/no/such/folder/out.csv"));
}

TEST_F(RecordWriterTest, JsonLinesAreWrittenAsTheyCome) {
  auto writer = MakeJsonLinesWriter(File());
  ASSERT_TRUE(writer->Write(R"({"e":1.50})").ok());
  ASSERT_TRUE(writer->Write("null").ok());
  ASSERT_TRUE(writer->Commit().ok());
  EXPECT_EQ(Text(), "{\"e\":1.50}\nnull\n");
}

TEST_F(RecordWriterTest, CsvCellsKeepDigitsAndQuoteWhatNeedsIt) {
  auto writer = MakeCsvWriter(File(), {"n", "s", "o"});
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE((*writer)->Write(R"({"n":12345678901234567890.10,"s":"a,\"b\"\nc","o":{"x":[1,2]}})").ok());
  ASSERT_TRUE((*writer)->Write(R"({"s":null,"n":true})").ok());
  ASSERT_TRUE((*writer)->Write("null").ok());
  ASSERT_TRUE((*writer)->Commit().ok());
  EXPECT_EQ(Text(),
            "n,s,o\n"
            "12345678901234567890.10,\"a,\"\"b\"\"\nc\",\"{\"\"x\"\":[1,2]}\"\n"
            "true,,\n"
            ",,\n");
}

TEST_F(RecordWriterTest, AnEmptyCellAloneIsNoBlankLine) {
  auto writer = MakeCsvWriter(File(), {"n"});
  ASSERT_TRUE((*writer)->Write("null").ok());
  ASSERT_TRUE((*writer)->Commit().ok());
  EXPECT_EQ(Text(), "n\n\"\"\n");
}

TEST_F(RecordWriterTest, AFieldThatIsNoColumnIsRefused) {
  auto writer = MakeCsvWriter(File(), {"n"});
  EXPECT_THAT(std::string((*writer)->Write(R"({"m":1})").message()), HasSubstr("`m`"));
}

}  // namespace
}  // namespace millrace::cli
