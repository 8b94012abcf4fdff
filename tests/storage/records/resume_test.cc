// A reader that goes on where another one came to reads exactly what that one had left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/storage/records/row_reading.h"
#include "tests/support/status_matchers.h"

namespace millrace::records {
namespace {

using Open = absl::StatusOr<std::unique_ptr<RecordReader>> (*)(std::string);

std::string Text(const InputRow& row) {
  return absl::StrCat(row.line, " ", row.json, " ", row.original, " ", row.bad_code, " ", row.bad_message);
}

void ExpectResumableAnywhere(Open open, const std::string& text) {
  std::vector<std::string> rows;
  ASSERT_OK_AND_ASSIGN(const auto all, AllRows(open(text)));
  for (const InputRow& row : all) rows.push_back(Text(row));
  for (size_t stop = 1; stop <= rows.size(); ++stop) {
    SCOPED_TRACE(absl::StrCat("after ", stop, " rows"));
    ASSERT_OK_AND_ASSIGN(const auto first, open(text));
    InputRow row;
    for (size_t i = 0; i < stop; ++i) ASSERT_TRUE(*first->Next(row));
    ASSERT_OK_AND_ASSIGN(const auto second, open(text));
    ASSERT_THAT(second->GoTo(first->offset(), first->lines()), millrace::testing::IsOk());
    std::vector<std::string> rest;
    while (*second->Next(row)) rest.push_back(Text(row));
    EXPECT_EQ(rest, std::vector<std::string>(rows.begin() + static_cast<int64_t>(stop), rows.end()));
  }
}

TEST(ResumeTest, JsonLinesGoOnBehindAnyRecord) {
  ExpectResumableAnywhere(&JsonLinesOver, "\xEF\xBB\xBF{\"a\":1}\r\n\n  \n{\"a\":2}\noops\n\n{\"a\":3}");
}

TEST(ResumeTest, CsvGoesOnBehindAnyRow) {
  ExpectResumableAnywhere(&CsvOver, "\xEF\xBB\xBFname,text\r\na,\"x\ny\"\n\nb,\"say \"\"z\"\"\"\nragged\nc,1\r\nd,2");
}

}  // namespace
}  // namespace millrace::records
