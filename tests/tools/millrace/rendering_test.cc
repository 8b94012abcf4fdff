// Tables, numbers and JSON as people see them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/records/json_text.h"
#include "tools/millrace/human.h"
#include "tools/millrace/progress.h"
#include "tools/millrace/table.h"

namespace millrace::cli {
namespace {

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({{"NAME"}, {"COUNT", Align::kRight}, {"NOTE"}});
  table.AddRow({"a", "1,234", "x"});
  table.AddRow({"Münster", "5", ""});
  EXPECT_EQ(table.Render(Style(false)),
            "NAME     COUNT  NOTE\n"
            "a        1,234  x\n"
            "Münster      5  -\n");
}

TEST(TableTest, DataCannotSteerTheTerminal) {
  Table table({{"A"}});
  table.AddRow({"x\x1b[31my\nz\xFF"});
  EXPECT_EQ(table.Render(Style(false)), "A\nx\\x1b[31my\\nz\xEF\xBF\xBD\n");
}

TEST(TableTest, FactsWithoutValueAreLeftOut) {
  EXPECT_EQ(RenderFacts({{"id", "1"}, {"a longer name", ""}, {"state", "x"}}, Style(false)), "id     1\nstate  x\n");
}

TEST(HumanTest, CountsAndNumbersAreGrouped) {
  EXPECT_EQ(HumanCount(0), "0");
  EXPECT_EQ(HumanCount(999), "999");
  EXPECT_EQ(HumanCount(-1234567), "-1,234,567");
  EXPECT_EQ(HumanNumber(20060335.149999998), "20,060,335.15");
  EXPECT_EQ(HumanNumber(0.5), "0.5");
  EXPECT_EQ(HumanNumber(1e300), "1e+300");
}

TEST(HumanTest, SizesAreInPowersOfAThousand) {
  EXPECT_EQ(HumanBytes(17), "17 B");
  EXPECT_EQ(HumanBytes(1250), "1.25 kB");
  EXPECT_EQ(HumanBytes(70'000'000), "70 MB");
  EXPECT_EQ(HumanBytes(999'999), "1 MB");
}

TEST(HumanTest, DurationsKeepThreeDigits) {
  EXPECT_EQ(HumanDuration(absl::Microseconds(850)), "850 us");
  EXPECT_EQ(HumanDuration(absl::Microseconds(12'500)), "12.5 ms");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(3'420)), "3.42 s");
  EXPECT_EQ(HumanDuration(absl::Seconds(125)), "2m 05s");
  EXPECT_EQ(HumanDuration(absl::Minutes(62)), "1h 02m");
  EXPECT_EQ(HumanDuration(absl::Hours(76)), "3d 04h");
}

TEST(HumanTest, RatesNeedTime) {
  EXPECT_EQ(HumanRate(10'000, absl::Seconds(2)), "5,000/s");
  EXPECT_EQ(HumanRate(1, absl::Seconds(2)), "0.5/s");
  EXPECT_EQ(HumanRate(1, absl::ZeroDuration()), "-");
}

TEST(ProgressTest, TheBarShowsShareRateAndTimeLeft) {
  EXPECT_EQ(RenderProgressBar({.records = 5000, .failed = 12, .share = 0.5}, 2500, absl::Seconds(2), 80),
            "[########--------]  50% 5,000 records, 12 failed, 2,500/s, ETA 2 s");
}

TEST(ProgressTest, ANarrowTerminalGetsNoBarAndNoWrappedLine) {
  const std::string line = RenderProgressBar({.records = 5000, .failed = 12, .share = 0.5}, 2500, absl::Seconds(2), 20);
  EXPECT_EQ(line, " 50% 5,000 records,");
}

TEST(ProgressTest, WithoutASizeThereIsNoPercentage) {
  EXPECT_EQ(RenderProgressLine({.records = 5000, .failed = 0, .share = {}}, 2500, {}),
            "progress: 5,000 records, 2,500/s");
}

TEST(PrettyJsonTest, TextsAndNumbersStayAsTheyAre) {
  EXPECT_EQ(records::PrettyJson(R"({"a":[1.50,{}, []],"b":"x, {y}: \"z\"","c":null})"),
            "{\n  \"a\": [\n    1.50,\n    {},\n    []\n  ],\n  \"b\": \"x, {y}: \\\"z\\\"\",\n  \"c\": null\n}");
}

TEST(JsonObjectScannerTest, FieldsAreFoundWhereTheyStand) {
  records::JsonObjectScanner scanner;
  const std::string text = R"( { "a\n" : [1,"]"] , "b":-1.5e3,"c":{"d":"\\"}} )";
  ASSERT_TRUE(scanner.Scan(text));
  ASSERT_EQ(scanner.fields().size(), 3u);
  EXPECT_EQ(scanner.fields()[0].key, "a\n");
  EXPECT_EQ(scanner.fields()[0].raw, R"([1,"]"])");
  EXPECT_EQ(scanner.fields()[1].raw, "-1.5e3");
  EXPECT_EQ(text.substr(scanner.fields()[2].begin, scanner.fields()[2].end - scanner.fields()[2].begin),
            R"("c":{"d":"\\"})");
}

TEST(JsonObjectScannerTest, OnlyObjectsAreScanned) {
  records::JsonObjectScanner scanner;
  for (const char* text : {"", "[1]", "1", "{\"a\":1", "{\"a\":1}x", "{\"a\":\"\xFF\"}"}) {
    EXPECT_FALSE(scanner.Scan(text)) << text;
  }
}

}  // namespace
}  // namespace millrace::cli
