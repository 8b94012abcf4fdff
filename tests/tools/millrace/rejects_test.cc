#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/storage/records/row_reading.h"
#include "tools/harness/temporary_folder.h"
#include "tools/millrace/record_writer.h"

namespace millrace::cli {
namespace {

using records::CsvOver;
using records::JsonLinesOver;
using records::RecordsOf;
using ::testing::ElementsAre;

std::string FileText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class RejectsTest : public ::testing::Test {
 protected:
  const records::RejectReason kReason = {
      .code = "BAD_SIZE", .node = "mass", .message = "unknown \"size\",\nsays the node"};

  /// Rejects every row of the input, and returns the text of the rejects file.
  std::string RejectAll(absl::StatusOr<std::unique_ptr<records::RecordReader>> reader) {
    const std::string path = folder_.path() / "rejects";
    auto writer = MakeRejectWriter(*OutputFile::Create(path), (*reader)->format(), (*reader)->header());
    EXPECT_TRUE(writer.ok()) << writer.status();
    for (records::InputRow row; *(*reader)->Next(row);) EXPECT_TRUE((*writer)->Write(row.original, kReason).ok());
    EXPECT_TRUE((*writer)->Commit().ok());
    return FileText(path);
  }

 private:
  harness::TemporaryFolder folder_;
};

TEST_F(RejectsTest, CsvRowsGetThreeMoreColumns) {
  EXPECT_EQ(RejectAll(CsvOver("a,\"b c\"\n1,\"x,y\"\n")),
            "a,\"b c\",_reject_code,_reject_node,_reject_message\n"
            "1,\"x,y\",BAD_SIZE,mass,\"unknown \"\"size\"\",\nsays the node\"\n");
}

TEST_F(RejectsTest, CsvRowsAreTheSameRecordsWhenReadAgain) {
  const std::string input = "a,b,c\n1,\"x,\"\"y\"\"\",\n,\"two\nlines\",5\" pipe\n";
  EXPECT_EQ(RecordsOf(CsvOver(RejectAll(CsvOver(input)))), RecordsOf(CsvOver(input)));
}

TEST_F(RejectsTest, RejectingTwiceChangesNothing) {
  const std::string once = RejectAll(CsvOver("a,b\n1,\"2\"\n"));
  EXPECT_EQ(RejectAll(CsvOver(once)), once);
}

TEST_F(RejectsTest, AMendedCsvRowIsReadWithItsNewValue) {
  std::string rejects = RejectAll(CsvOver("size,speed\nhuge,100\n"));
  rejects.replace(rejects.find("huge"), 4, "Large");
  EXPECT_THAT(RecordsOf(CsvOver(rejects)), ElementsAre(R"({"size":"Large","speed":"100"})"));
}

TEST_F(RejectsTest, ARaggedRowStaysRaggedUntilItIsMended) {
  const std::string rejects = RejectAll(CsvOver("a,b,c\n1,2\n"));
  EXPECT_THAT(RecordsOf(CsvOver(rejects)), ElementsAre("CSV_ROW_RAGGED"));
  std::string mended = rejects;
  mended.replace(mended.find("1,2"), 3, "1,,2");
  EXPECT_THAT(RecordsOf(CsvOver(mended)), ElementsAre(R"({"a":"1","b":"","c":"2"})"));
}

TEST_F(RejectsTest, JsonObjectsGetThreeMoreFields) {
  EXPECT_EQ(RejectAll(JsonLinesOver("{ \"a\": 1 }\n{}\n")),
            "{ \"a\": 1,\"_reject_code\":\"BAD_SIZE\",\"_reject_node\":\"mass\",\"_reject_message\":"
            "\"unknown \\\"size\\\",\\nsays the node\" }\n"
            "{\"_reject_code\":\"BAD_SIZE\",\"_reject_node\":\"mass\",\"_reject_message\":"
            "\"unknown \\\"size\\\",\\nsays the node\"}\n");
}

TEST_F(RejectsTest, JsonLinesAreTheSameBytesWhenReadAgain) {
  const std::string input =
      "{ \"a\" : 1.50, \"deep\":{\"x\":[1,{}]} ,\"s\":\"}\\\"{\" }\n"
      "{}\n"
      "  {\"n\":12345678901234567890}\n"
      "[1,2]\n"
      "not json at all, \"really\"\n"
      "caf\xE9\n";
  EXPECT_EQ(RecordsOf(JsonLinesOver(RejectAll(JsonLinesOver(input)))), RecordsOf(JsonLinesOver(input)));
}

TEST_F(RejectsTest, ALineThatIsNoObjectIsCarriedAsText) {
  EXPECT_THAT(RejectAll(JsonLinesOver("oops\n")), ::testing::StartsWith("{\"_reject_raw\":\"oops\",\"_reject_code\""));
}

TEST_F(RejectsTest, ARecordPutInPlaceOfARawLineIsRead) {
  EXPECT_THAT(RecordsOf(JsonLinesOver(R"({"_reject_raw":"oops","_reject_code":"X","a":1})")),
              ElementsAre(R"({"a":1})"));
}

TEST_F(RejectsTest, ARawLineMendedInPlaceIsRead) {
  EXPECT_THAT(RecordsOf(JsonLinesOver(R"({"_reject_raw":"{\"a\":\n1}","_reject_code":"X"})")),
              ElementsAre(R"({"a": 1})"));
}

}  // namespace
}  // namespace millrace::cli
