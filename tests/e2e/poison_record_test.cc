// A record that takes the server down with it. The product has no way to crash on purpose, so the test kills the server
// exactly while that record runs; the flight recorder, whose bytes docs/STORAGE_FORMAT.md draws, says when that is.
#include <cstring>
#include <optional>

#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

/// Compares texts of megabytes for minutes where it is told to, and computes otherwise.
constexpr char kService[] = R"(
service: test/poison
version: 1.0.0
inputs: {n: {type: number}, slow: {type: boolean, default: false}}
nodes:
  m:
    lua: |
      if slow then
        local a, b = ('x'):rep(8000000), ('x'):rep(8000000)
        for i = 1, 1000000 do
          if a ~= b then return 0 end
        end
      end
      return n
outputs: [m]
)";

class PoisonRecordTest : public E2eFixture {
 protected:
  /// True when some thread of the server runs this record.
  bool Runs(const std::string& job, int64_t sequence, int32_t index) const {
    const std::string slots = Read(Path("data") / "flight_recorder");
    for (size_t at = 0; at + 512 <= slots.size(); at += 512) {
      int64_t slot_sequence = 0;
      int32_t slot_index = 0;
      std::memcpy(&slot_sequence, slots.data() + at + 16, sizeof(slot_sequence));
      std::memcpy(&slot_index, slots.data() + at + 24, sizeof(slot_index));
      if (slot_sequence == sequence && slot_index == index && job == slots.data() + at + 168) return true;
    }
    return false;
  }

  void KillWhileItRuns(const std::string& job, int64_t sequence, int32_t index) {
    while (!Runs(job, sequence, index)) {
    }
    KillAndRestartServer();
  }
};

TEST_F(PoisonRecordTest, AfterThreeDeathsTheRecordIsAnExceptionAndTheOthersHaveResults) {
  StartServer();
  std::ofstream(Path("service.yaml")) << kService;
  ASSERT_EQ(RunCli({"services", "create", Path("service.yaml").string()}), 0) << Stderr();
  ASSERT_EQ(RunCli({"pipelines", "create", "test/poison", "--id", "poisoned", "--record-timeout", "1h"}), 0)
      << Stderr();
  std::ofstream(Path("in.jsonl")) << R"({"n":0})"
                                     "\n"
                                     R"({"n":1,"slow":true})"
                                     "\n"
                                     R"({"n":2})"
                                     "\n"
                                     R"({"n":3})"
                                     "\n";
  ASSERT_EQ(RunCli({"pipelines", "push", "poisoned", "--input", Path("in.jsonl").string(), "--chunk-size", "3"}), 0)
      << Stderr();
  ASSERT_EQ(RunCli({"pipelines", "close", "poisoned"}), 0) << Stderr();

  for (int death = 1; death <= 3; ++death) KillWhileItRuns("poisoned", 1, 1);
  AwaitCommitted(Connect(), "poisoned", 2);

  v1::GetPipelineStatusRequest request;
  request.set_pipeline_id("poisoned");
  const auto status = Connect().GetPipelineStatus(request);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->state(), v1::JOB_STATE_COMPLETED);
  EXPECT_EQ(status->outcome(), v1::OUTCOME_PARTIAL);
  EXPECT_EQ(status->records_completed(), 3);
  EXPECT_EQ(status->records_failed(), 1);
  ASSERT_EQ(RunCli({"exceptions", "list", "poisoned"}), 0) << Stderr();
  EXPECT_NE(Stdout().find("1-1"), std::string::npos) << Stdout();
  EXPECT_NE(Stdout().find("WORKER_DIED"), std::string::npos) << Stdout();
  EXPECT_NE(Stdout().find(R"({"n":1,"slow":true})"), std::string::npos) << Stdout();
}

}  // namespace
}  // namespace millrace::e2e
