// JSON as text: what is taken apart stays as it was written.
#include "storage/records/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace millrace::records {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> values;
  EXPECT_TRUE(SplitJsonArray(text, values)) << text;
  return values;
}

TEST(SplitJsonArrayTest, ValuesAreAsTheyWereWritten) {
  EXPECT_THAT(Split(R"( [ {"b":1, "a" : [2,{"c":"]},"}]} ,9007199254740993,1.50e+02 , "x,\"]" , null,[ ],[[1],2]] )"),
              ElementsAre(R"({"b":1, "a" : [2,{"c":"]},"}]})", "9007199254740993", "1.50e+02", R"("x,\"]")", "null",
                          "[ ]", "[[1],2]"));
  EXPECT_THAT(Split("[\n  {\"a\":\n 1}\n]\n"), ElementsAre("{\"a\":\n 1}"));
  EXPECT_THAT(Split(R"(["\\",1])"), ElementsAre(R"("\\")", "1"));
}

TEST(SplitJsonArrayTest, AnEmptyArrayHasNone) {
  EXPECT_THAT(Split("[]"), IsEmpty());
  EXPECT_THAT(Split(" [ \n ] "), IsEmpty());
}

TEST(SplitJsonArrayTest, WhatIsNoArrayIsRefused) {
  std::vector<std::string_view> values = {"of before"};
  for (const std::string_view text : {"", "{}", "17", "[", "[1,]", "[1] 2", "[1 2]", "[\"a]"}) {
    EXPECT_FALSE(SplitJsonArray(text, values)) << text;
    EXPECT_THAT(values, IsEmpty()) << text;
  }
}

TEST(JsonObjectScannerTest, AnObjectIsToldFromAnythingElse) {
  JsonObjectScanner scanner;
  EXPECT_TRUE(scanner.Scan(R"({"a":1})"));
  EXPECT_TRUE(scanner.IsObject(" {\"a\": [1, {}]} "));
  EXPECT_THAT(scanner.fields(), IsEmpty()) << "those of before are gone";
  for (const std::string_view text : {"", "not json", "[1]", "17", "{", "{} {}", "{\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(scanner.IsObject(text)) << text;
  }
}

TEST(MinifyJsonTest, BlanksGoBetweenThePartsAndStayInStrings) {
  EXPECT_EQ(MinifyJson("{ \"a b\" :\n\t[ 1 ,\r\n 2.50 , \" \\\" \" ] }\n"), R"({"a b":[1,2.50," \" "]})");
  EXPECT_EQ(MinifyJson("17"), "17");
}

}  // namespace
}  // namespace millrace::records
