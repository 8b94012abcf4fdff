#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "storage/records/json_text.h"
#include "tests/storage/records/row_reading.h"

namespace millrace::records {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using std::string_view_literals::operator""sv;

std::string ErrorOf(std::string text) { return std::string(AllRows(CsvOver(std::move(text))).status().message()); }

TEST(CsvReaderTest, CellsBecomeStringsUnderTheNamesOfTheHeader) {
  EXPECT_THAT(RecordsOf(CsvOver("a,b c\n1,x\n2.50,\n")),
              ElementsAre(R"({"a":"1","b c":"x"})", R"({"a":"2.50","b c":""})"));
}

TEST(CsvReaderTest, TheByteOrderMarkIsNoPartOfTheFirstColumn) {
  EXPECT_THAT(RecordsOf(CsvOver("\xEF\xBB\xBF"
                                "a\n1\n")),
              ElementsAre(R"({"a":"1"})"));
}

TEST(CsvReaderTest, QuotedCellsHoldCommasQuotesAndLineEnds) {
  EXPECT_THAT(RecordsOf(CsvOver("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n\"one\ntwo\",\"\"\n")),
              ElementsAre(R"({"a":"x,y","b":"say \"hi\""})", R"({"a":"one\ntwo","b":""})"));
}

TEST(CsvReaderTest, LinesMayEndWithCarriageReturnAndLineFeed) {
  EXPECT_THAT(RecordsOf(CsvOver("a,b\r\n1,2\r\n\"3\",\"4\"\r\n")),
              ElementsAre(R"({"a":"1","b":"2"})", R"({"a":"3","b":"4"})"));
}

TEST(CsvReaderTest, CarriageReturnsWithinQuotesAreKept) {
  EXPECT_THAT(RecordsOf(CsvOver("a\n\"1\r\n2\"\n")), ElementsAre(R"({"a":"1\r\n2"})"));
}

TEST(CsvReaderTest, TheLastLineNeedsNoEnd) {
  EXPECT_THAT(RecordsOf(CsvOver("a,b\n1,2")), ElementsAre(R"({"a":"1","b":"2"})"));
  EXPECT_THAT(RecordsOf(CsvOver("a,b\n1,")), ElementsAre(R"({"a":"1","b":""})"));
  EXPECT_THAT(RecordsOf(CsvOver("a,b\n1,\"2\"")), ElementsAre(R"({"a":"1","b":"2"})"));
}

TEST(CsvReaderTest, BlankLinesAreSkipped) {
  EXPECT_THAT(RecordsOf(CsvOver("a\n\n1\n\r\n2\n\n")), ElementsAre(R"({"a":"1"})", R"({"a":"2"})"));
}

TEST(CsvReaderTest, AnEmptyCellInQuotesIsARow) {
  EXPECT_THAT(RecordsOf(CsvOver("a\n\"\"\n")), ElementsAre(R"({"a":""})"));
}

TEST(CsvReaderTest, AQuoteWithinAPlainCellIsAnOrdinaryCharacter) {
  EXPECT_THAT(RecordsOf(CsvOver("a,b\n5\" pipe,x\n")), ElementsAre(R"({"a":"5\" pipe","b":"x"})"));
}

TEST(CsvReaderTest, HeaderAloneGivesNoRecord) { EXPECT_THAT(RecordsOf(CsvOver("a,b\n")), IsEmpty()); }

TEST(CsvReaderTest, AnEmptyFileIsRefused) {
  EXPECT_EQ(ErrorOf(""), "in.csv:1: the file is empty; expected a header row that names the columns");
}

TEST(CsvReaderTest, ARaggedRowNamesItsLineAndBothCounts) {
  const auto rows = AllRows(CsvOver("a,b\n\"1\n1\",2\n3\n4,5,6\n"));
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ((*rows)[0].bad_code, "");
  EXPECT_EQ((*rows)[1].bad_code, "CSV_ROW_RAGGED");
  EXPECT_EQ((*rows)[1].line, 4);
  EXPECT_EQ((*rows)[1].bad_message, "expected 2 cells as in the header, found 1");
  EXPECT_EQ((*rows)[2].line, 5);
  EXPECT_EQ((*rows)[2].bad_message, "expected 2 cells as in the header, found 3");
  EXPECT_EQ((*rows)[2].original, "4,5,6");
}

TEST(CsvReaderTest, TextBehindAClosingQuoteIsABadRow) {
  const auto rows = AllRows(CsvOver("a,b\n1,\"x\"y\n2,z\n"));
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ((*rows)[0].bad_code, "CSV_QUOTE_MISPLACED");
  EXPECT_THAT((*rows)[0].bad_message, HasSubstr("cell 2"));
  EXPECT_EQ((*rows)[1].json, R"({"a":"2","b":"z"})");
}

TEST(CsvReaderTest, BytesThatAreNotUtf8AreABadRow) {
  EXPECT_THAT(RecordsOf(CsvOver("a\nok\nM\xFCnchen\n")), ElementsAre(R"({"a":"ok"})", "CSV_NOT_UTF8"));
}

TEST(CsvReaderTest, AHeaderThatIsNotUtf8IsRefused) {
  EXPECT_EQ(ErrorOf("St\xE4"
                    "dte\n1\n"),
            "in.csv:1: the header is not UTF-8; convert the file to UTF-8 first");
}

TEST(CsvReaderTest, DuplicateColumnsAreRefused) {
  EXPECT_EQ(ErrorOf("a,b,a\n1,2,3\n"), "in.csv:1: column 3 of the header, `a`, was named before");
}

TEST(CsvReaderTest, ColumnsWithoutNameAreRefused) {
  EXPECT_EQ(ErrorOf("a,,c\n1,2,3\n"), "in.csv:1: column 2 of the header has no name");
}

TEST(CsvReaderTest, AQuoteThatIsNeverClosedNamesTheLineWhereItsRowBegins) {
  EXPECT_EQ(ErrorOf("a\n1\n\"2\n3\n4\n"), "in.csv:3: a quote is opened in the row that begins here and never closed");
}

TEST(CsvReaderTest, ACellOfManyBlocksIsReadWhole) {
  const std::string huge(3'000'000, 'x');
  const auto rows = AllRows(CsvOver("a,b\n1,\"" + huge + "\"\n2,y\n"));
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].json.size(), huge.size() + R"({"a":"1","b":""})"sv.size());
  EXPECT_EQ((*rows)[1].line, 3);
}

TEST(CsvReaderTest, ARowLargerThanARecordMayBeIsRefused) {
  EXPECT_THAT(ErrorOf("a\n\"" + std::string(20'000'000, 'x')),
              HasSubstr("in.csv:2: the row that begins here is larger"));
}

TEST(CsvReaderTest, RowsThatStraddleBlocksAreReadAsAnyOther) {
  std::string text = "number,text\n";
  for (int i = 0; i < 60'000; ++i) text += std::to_string(i) + ",\"row \"\"" + std::to_string(i) + "\"\"\"\r\n";
  const auto rows = AllRows(CsvOver(text));
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 60'000u);
  for (int i = 0; i < 60'000; ++i) {
    const std::string number = std::to_string(i);
    ASSERT_EQ((*rows)[static_cast<size_t>(i)].json,
              R"({"number":")" + number + R"(","text":"row \")" + number + R"(\""})");
  }
}

TEST(CsvReaderTest, ControlCharactersBecomeValidJson) {
  const auto rows = AllRows(CsvOver(std::string("a\nx\0y\x01z\tw\n", 10)));
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ((*rows)[0].json, R"({"a":"x\u0000y\u0001z\tw"})");
  EXPECT_TRUE(IsJson((*rows)[0].json));
}

TEST(CsvReaderTest, ColumnsOfARejectsFileAreNoPartOfTheRecord) {
  auto reader = CsvOver("_reject_code,a,b,_reject_message\nX,1,\"2\",why\n");
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT((*reader)->columns(), ElementsAre("a", "b"));
  EXPECT_EQ((*reader)->header(), "a,b");
  InputRow row;
  ASSERT_TRUE(*(*reader)->Next(row));
  EXPECT_EQ(row.json, R"({"a":"1","b":"2"})");
  EXPECT_EQ(row.original, R"(1,"2")");
}

TEST(CsvReaderTest, AFileOfNothingButRejectColumnsIsRefused) {
  EXPECT_THAT(ErrorOf("_reject_code\nX\n"), HasSubstr("names no column"));
}

}  // namespace
}  // namespace millrace::records
