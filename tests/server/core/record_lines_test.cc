#include "server/core/record_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace millrace::core {
namespace {

TEST(RecordLinesTest, CountsLinesAndEndsTheLast) {
  const RecordLines lines = NormaliseLines("{\"a\":1}\n{\"a\":2}");
  EXPECT_EQ(lines.count, 2);
  EXPECT_EQ(lines.bytes, "{\"a\":1}\n{\"a\":2}\n");
}

TEST(RecordLinesTest, BlankLinesDoNotCount) {
  const RecordLines lines = NormaliseLines("\n  \t\r\n{\"a\":1}\r\n\n \n{\"a\":2}\n\n");
  EXPECT_EQ(lines.count, 2);
  EXPECT_EQ(lines.bytes, "{\"a\":1}\r\n{\"a\":2}\n");
}

TEST(RecordLinesTest, NothingAndBlankLinesAreNoRecords) {
  EXPECT_EQ(NormaliseLines("").count, 0);
  EXPECT_EQ(NormaliseLines("\n\n").count, 0);
  EXPECT_EQ(NormaliseLines(" \r\n").bytes, "");
}

TEST(RecordLinesTest, BytesInNormalFormAreMovedNotCopied) {
  std::string text(1'000, 'x');
  text.push_back('\n');
  const char* const data = text.data();
  EXPECT_EQ(NormaliseLines(std::move(text)).bytes.data(), data);
}

TEST(RecordLinesTest, RecordsNeedNotBeJson) { EXPECT_EQ(NormaliseLines(std::string("\xff\xfe\n\0x\n", 6)).count, 2); }

RecordLines Numbered(int count) {
  RecordLines lines{.bytes = {}, .count = count};
  for (int i = 0; i < count; ++i) lines.bytes += std::to_string(i) + "\n";
  return lines;
}

TEST(RecordLinesTest, CutsIntoPartsThatDifferByOneAtMost) {
  for (const auto& [records, size, expected] :
       {std::tuple<int, int, std::vector<int64_t>>{1'000, 300, {250, 250, 250, 250}},
        {10, 3, {3, 3, 2, 2}},
        {3, 300, {3}},
        {300, 300, {300}},
        {301, 300, {151, 150}},
        {2, 1, {1, 1}}}) {
    std::vector<int64_t> sizes;
    std::string joined;
    for (const RecordLines& part : CutEvenly(Numbered(records), size)) {
      sizes.push_back(part.count);
      joined += part.bytes;
    }
    EXPECT_EQ(sizes, expected) << records << " by " << size;
    EXPECT_EQ(joined, Numbered(records).bytes) << "no record may be lost, doubled or moved";
  }
}

TEST(RecordLinesTest, ABoundedPartIsAsFullAsItCanBe) {
  std::vector<int64_t> counts;
  std::string joined;
  const RecordLines lines{.bytes = "1\n2\n3\n4444444444\n5\n6\n", .count = 6};
  for (const RecordLines& part : CutBounded(lines, 2, 6)) {
    counts.push_back(part.count);
    joined += part.bytes;
  }
  EXPECT_EQ(counts, (std::vector<int64_t>{2, 1, 1, 2})) << "a record that is too large stands alone";
  EXPECT_EQ(joined, lines.bytes);
}

TEST(RecordLinesTest, CutsByCountsOnlyWhereTheyFit) {
  const RecordLines lines = Numbered(5);
  const std::vector<RecordLines> parts = CutByCounts(lines, {2, 3});
  ASSERT_EQ(parts.size(), 2);
  EXPECT_EQ(parts[0].bytes, "0\n1\n");
  EXPECT_EQ(parts[1].bytes, "2\n3\n4\n");
  EXPECT_TRUE(CutByCounts(lines, {2, 2}).empty());
  EXPECT_TRUE(CutByCounts(lines, {2, 4}).empty());
}

TEST(RecordLinesTest, NothingIsCutIntoNoParts) { EXPECT_TRUE(CutEvenly({}, 300).empty()); }

}  // namespace
}  // namespace millrace::core
