#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/storage/records/row_reading.h"

namespace millrace::records {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(JsonLinesReaderTest, LinesArePassedByteForByte) {
  EXPECT_THAT(RecordsOf(JsonLinesOver("{\"a\": 1.50}\n {\"b\":9007199254740993}")),
              ElementsAre(R"({"a": 1.50})", R"( {"b":9007199254740993})"));
}

TEST(JsonLinesReaderTest, LinesThatAreNoRecordsAreLeftToTheServer) {
  EXPECT_THAT(RecordsOf(JsonLinesOver("not json\n[1]\n\xFF\n")), ElementsAre("not json", "[1]", "\xFF"));
}

TEST(JsonLinesReaderTest, BlankLinesAndTheByteOrderMarkAreSkipped) {
  const auto rows = AllRows(JsonLinesOver("\xEF\xBB\xBF\n{\"a\":1}\r\n \t\r\n{\"a\":2}\n\n"));
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].json, R"({"a":1})");
  EXPECT_EQ((*rows)[0].line, 2);
  EXPECT_EQ((*rows)[1].line, 4);
}

TEST(JsonLinesReaderTest, AnEmptyFileGivesNoRecord) { EXPECT_THAT(RecordsOf(JsonLinesOver("")), IsEmpty()); }

TEST(JsonLinesReaderTest, FieldsOfARejectsFileAreCutOut) {
  const std::string line = R"({"_reject_code":"X","a":1,"_reject_node":"n","b":[1,2],"_reject_message":"m"})";
  EXPECT_THAT(RecordsOf(JsonLinesOver(line)), ElementsAre(R"({"a":1,"b":[1,2]})"));
}

TEST(JsonLinesReaderTest, TextThatOnlyLooksLikeSuchAFieldIsKept) {
  const std::string line = R"({"note":"\"_reject_code\" is a field","deep":{"_reject_code":1}})";
  EXPECT_THAT(RecordsOf(JsonLinesOver(line)), ElementsAre(line));
}

TEST(JsonLinesReaderTest, ARawLineThatBecameBlankIsSkipped) {
  EXPECT_THAT(RecordsOf(JsonLinesOver("{\"_reject_raw\":\"\"}\n{\"a\":1}\n")), ElementsAre(R"({"a":1})"));
}

TEST(JsonLinesReaderTest, LongLinesAreReadWhole) {
  const std::string line = "{\"a\":\"" + std::string(2'000'000, 'x') + "\"}";
  EXPECT_THAT(RecordsOf(JsonLinesOver(line + "\n" + line)), ElementsAre(line, line));
}

TEST(JsonLinesReaderTest, ALineLargerThanAChunkMayBeIsRefused) {
  const auto rows = AllRows(JsonLinesOver("{}\n" + std::string(70'000'000, 'x')));
  EXPECT_THAT(std::string(rows.status().message()), HasSubstr("in.jsonl:2: the line is larger"));
}

TEST(FormatOfPathTest, TheExtensionTellsTheFormat) {
  EXPECT_EQ(FormatOfPath("a.csv"), FileFormat::kCsv);
  EXPECT_EQ(FormatOfPath("A.CSV"), FileFormat::kCsv);
  EXPECT_EQ(FormatOfPath("a.jsonl"), FileFormat::kJsonLines);
  EXPECT_EQ(FormatOfPath("a.ndjson"), FileFormat::kJsonLines);
  EXPECT_EQ(FormatOfPath("-"), std::nullopt);
  EXPECT_EQ(FormatOfPath("csv"), std::nullopt);
}

TEST(OpenInputTest, AMissingFileAndAFolderAreNamed) {
  EXPECT_THAT(std::string(OpenInput("/no/such/file.csv").status().message()), HasSubstr("/no/such/file.csv"));
  EXPECT_THAT(std::string(OpenInput("/").status().message()), HasSubstr("it is a folder"));
}

}  // namespace
}  // namespace millrace::records
