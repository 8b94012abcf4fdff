#include "server/execution/ordering_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/model/chunk.h"

namespace millrace::execution {
namespace {

using ::testing::ElementsAre;

/// The key of one record, by the field `k`.
uint64_t KeyOf(std::string record) {
  record.reserve(record.size() + 1 + model::kPayloadPadding);
  record += '\n';
  return OrderingKeys(record, 1, "k").front();
}

TEST(OrderingKeysTest, EqualValuesAreOneKeyAndOthersAreNot) {
  EXPECT_EQ(KeyOf(R"({"k":"a"})"), KeyOf(R"({"x":[1], "k" : "\u0061"})"));
  EXPECT_NE(KeyOf(R"({"k":"a"})"), KeyOf(R"({"k":"b"})"));
  EXPECT_EQ(KeyOf(R"({"k":1})"), KeyOf(R"({"k":1.0})"));
  EXPECT_EQ(KeyOf(R"({"k":0})"), KeyOf(R"({"k":-0.0})"));
  EXPECT_NE(KeyOf(R"({"k":1})"), KeyOf(R"({"k":2})"));
  EXPECT_NE(KeyOf(R"({"k":1})"), KeyOf(R"({"k":"1"})"));
  EXPECT_NE(KeyOf(R"({"k":true})"), KeyOf(R"({"k":false})"));
  EXPECT_EQ(KeyOf(R"({"k":"a","k":"b"})"), KeyOf(R"({"k":"b"})")) << "the last counts, as for a service";
}

TEST(OrderingKeysTest, WhatHasNoKeyHasTheKeyNull) {
  const uint64_t null = KeyOf(R"({"k":null})");
  for (const char* record : {R"({"x":1})", R"({"k":[1]})", R"({"k":{"a":1}})", "[1]", "oops", R"({"k":"a")"}) {
    EXPECT_EQ(KeyOf(record), null) << record;
  }
  EXPECT_NE(KeyOf(R"({"k":""})"), null);
}

TEST(OrderingKeysTest, EachRecordHasOne) {
  std::string lines = "{\"k\":1}\n{\"k\":2}\n{\"k\":1}\n";
  lines.reserve(lines.size() + model::kPayloadPadding);
  const std::vector<uint64_t> keys = OrderingKeys(lines, 3, "k");
  EXPECT_THAT(keys, ElementsAre(keys[0], testing::Ne(keys[0]), keys[0]));
  EXPECT_EQ(DifferentKeys(keys).size(), 2U);
}

TEST(OrderingKeysTest, ARecordThatIsTooLargeIsNotParsed) {
  const std::string large(model::kRecordBytesMax, 'x');
  EXPECT_EQ(KeyOf("{\"k\":1,\"x\":\"" + large + "\"}"), KeyOf("{}"));
}

TEST(InWavesTest, NoPartHasTwoOfAKeyAndTheirOrderIsKept) {
  const std::vector<uint64_t> keys = {7, 8, 7, 9, 7, 8};
  EXPECT_THAT(InWaves({0, 1, 2, 3, 4, 5}, keys), ElementsAre(ElementsAre(0, 1, 3), ElementsAre(2, 5), ElementsAre(4)));
  EXPECT_THAT(InWaves({2, 4, 5}, keys), ElementsAre(ElementsAre(2, 5), ElementsAre(4)));
}

}  // namespace
}  // namespace millrace::execution
