#include "server/core/json_struct.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/support/status_matchers.h"

namespace millrace::core {
namespace {

using testing::IsOk;

std::string RoundTrip(std::string_view json) {
  const absl::StatusOr<google::protobuf::Value> value = ParseJsonValue(json);
  if (!value.ok()) return value.status().ToString();
  std::string text;
  if (const absl::Status status = AppendJson(*value, text); !status.ok()) return status.ToString();
  return text;
}

TEST(JsonStructTest, EveryKindComesBackAsItWas) {
  for (const char* json : {R"({"a":1,"b":"x","c":true,"d":null,"e":[1,2,[]],"f":{},"g":-0.25})", "null", "[]", "\"\"",
                           "1e+300", R"("\u0001\"\\\n")", R"("äöü")"}) {
    EXPECT_EQ(RoundTrip(json), json);
  }
}

TEST(JsonStructTest, KeysAreSortedSoEqualMessagesGiveEqualBytes) {
  EXPECT_EQ(RoundTrip(R"({"b":1,"a":2})"), R"({"a":2,"b":1})");
}

TEST(JsonStructTest, WholeNumbersHaveNoFraction) {
  EXPECT_EQ(RoundTrip("3.0"), "3");
  EXPECT_EQ(RoundTrip("9007199254740991"), "9007199254740991");
  EXPECT_EQ(RoundTrip("0.1"), "0.1");
  EXPECT_EQ(RoundTrip("-0.0"), "-0.0") << "the sign of zero is kept, whoever reads it";
}

TEST(JsonStructTest, NumbersThatAreNotFiniteAreRefused) {
  google::protobuf::Value value;
  std::string json;
  value.set_number_value(std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(AppendJson(value, json).ok());
  value.set_number_value(std::numeric_limits<double>::infinity());
  EXPECT_FALSE(AppendJson(value, json).ok());
}

TEST(JsonStructTest, AValueOfNoKindIsRefused) {
  std::string json;
  EXPECT_FALSE(AppendJson(google::protobuf::Value(), json).ok());
}

TEST(JsonStructTest, DeepNestingIsRefused) {
  google::protobuf::Value value;
  google::protobuf::Value* innermost = &value;
  for (int i = 0; i < 90; ++i) innermost = innermost->mutable_list_value()->add_values();
  innermost->set_bool_value(true);
  std::string json;
  EXPECT_FALSE(AppendJson(value, json).ok());
}

TEST(JsonStructTest, TextThatIsNotJsonIsRefused) {
  for (const char* json : {"", "{", "{\"a\":}", "tru", "1 2", "{\"a\":1}x"}) {
    EXPECT_FALSE(ParseJsonValue(json).ok()) << json;
  }
  EXPECT_FALSE(ParseJsonObject("[]").ok());
  EXPECT_THAT(ParseJsonObject("{}"), IsOk());
}

}  // namespace
}  // namespace millrace::core
