// `retry` in the sandbox.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/execution/service_harness.h"

namespace millrace::execution {
namespace {

using ::testing::SizeIs;

constexpr char kService[] = R"(
inputs: {n: {type: number}}
nodes:
  m: {lua: "n > 2 and retry('BUSY', 'come back later') or n"}
outputs: [m]
)";

TEST(RetryTest, ARecordThatAsksForItFailsInAWayThatMayPass) {
  ServiceHarness service(kService);
  const model::ChunkOutcome outcome = service.Run({R"({"n":1})", R"({"n":3})"});
  ASSERT_THAT(outcome.failures, SizeIs(1));
  EXPECT_EQ(outcome.failures[0].code, "BUSY");
  EXPECT_EQ(outcome.failures[0].message, "come back later");
  EXPECT_EQ(outcome.failures[0].node, "m");
  EXPECT_TRUE(outcome.failures[0].transient);
}

TEST(RetryTest, EveryOtherFailureIsFinal) {
  for (const char* lua : {"fail('X', 'y')", "hold('why?')", "nil + 1", "'a' .. {}"}) {
    ServiceHarness service("inputs: {n: {type: any}}\nnodes: {m: {lua: \"" + std::string(lua) + "\"}}\noutputs: [m]\n");
    const model::ChunkOutcome outcome = service.Run({R"({"n":1})"});
    ASSERT_THAT(outcome.failures, SizeIs(1)) << lua;
    EXPECT_FALSE(outcome.failures[0].transient) << lua;
  }
}

TEST(RetryTest, WithoutACodeItIsTransient) {
  EXPECT_EQ(EvaluateFailure("retry('soon')"), "TRANSIENT: soon");
  EXPECT_EQ(EvaluateFailure("retry('bad code', 'x')").substr(0, 10), "LUA_ERROR:");
}

TEST(RetryTest, ARecordHasTheSameRandomNumbersAloneAsAmongOthers) {
  ServiceHarness service("inputs: {n: {type: any}}\nnodes: {m: {lua: \"math.random(1, 1000000)\"}}\noutputs: [m]\n");
  const std::vector<std::string> whole = Lines(service.Run({"{\"n\":1}", "{\"n\":2}", "{\"n\":3}"}).json_lines);
  const model::ChunkOutcome alone = service.RunSome({"{\"n\":1}", "{\"n\":3}"}, {0, 2});
  EXPECT_EQ(Lines(alone.json_lines), (std::vector<std::string>{whole[0], whole[2]}));
}

TEST(RetryTest, ARunOfSomeRecordsSpeaksOfThemByTheirPlaceInTheChunk) {
  ServiceHarness service(
      "inputs: {n: {type: number}}\nnodes: {m: {lua: \"warn('w') or n > 1 and fail('x') or n\"}}\noutputs: [m]\n");
  const model::ChunkOutcome outcome = service.RunSome({"{\"n\":1}", "{\"n\":2}"}, {4, 9});
  ASSERT_THAT(outcome.failures, SizeIs(1));
  EXPECT_EQ(outcome.failures[0].index, 9);
  ASSERT_THAT(outcome.warnings, SizeIs(2));
  EXPECT_EQ(outcome.warnings[0].index, 4);
  EXPECT_EQ(outcome.record_count, 2);
}

}  // namespace
}  // namespace millrace::execution
