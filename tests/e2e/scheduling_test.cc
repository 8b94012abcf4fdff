// What a user sees of the scheduler: the options of a job act, and ExplainJob says why a job waits.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class SchedulingTest : public E2eFixture {
 protected:
  SchedulingTest() {
    StartServer();
    CreateStrikeService();
  }

  /// A pipeline whose chunks hold ten records each.
  void CreateAndPush(const std::string& id, int chunks, const std::vector<std::string>& options) {
    std::vector<std::string> create = {"pipelines", "create", "aviation/strike-severity", "--id", id};
    create.insert(create.end(), options.begin(), options.end());
    ASSERT_EQ(RunCli(create), 0) << Stderr();
    v1::PushRequest request;
    request.set_pipeline_id(id);
    request.set_chunk_size(10);
    for (int i = 0; i < chunks * 10; ++i) {
      absl::StrAppend(request.mutable_inputs()->mutable_json_lines(),
                      R"({"Wildlife Size":"Large","Speed IAS in knots":300,"Effect Amount of damage":"None"})", "\n");
    }
    const auto pushed = Connect().Push(request);
    ASSERT_TRUE(pushed.ok()) << pushed.status();
    ASSERT_EQ(pushed->chunks_size(), chunks);
  }

  std::string Explain(const std::string& id) {
    EXPECT_EQ(RunCli({"jobs", "explain", id}), 0) << Stderr();
    return Stdout();
  }
};

TEST_F(SchedulingTest, AThrottledJobSaysThatItIsAndWhenItGoesOn) {
  // The second chunk starts 100 s after the first.
  CreateAndPush("slow", 3, {"--records-per-second", "0.1"});
  AwaitCommitted(Connect(), "slow", 1);
  const std::string explanation = Explain("slow");
  EXPECT_THAT(explanation,
              HasSubstr("Job slow waits with 2 chunks: it is throttled to 0.1 records a second; the next chunk starts "
                        "in 1m"));
  EXPECT_THAT(explanation, HasSubstr("THROTTLED"));
}

TEST_F(SchedulingTest, AJobThatWantsLabelsSaysWhichAndRunsWhenTheServerHasThem) {
  CreateAndPush("picky", 2, {"--worker-label", "gpu=a100", "--worker-label", "site=paris"});
  const std::string explanation = Explain("picky");
  EXPECT_THAT(explanation, HasSubstr("no worker has gpu=a100, site=paris; the server's own have none."));
  EXPECT_THAT(explanation, HasSubstr("NO_MATCHING_WORKER"));

  more_flags_ = {"--worker-label", "site=paris"};
  KillAndRestartServer();
  EXPECT_THAT(Explain("picky"), HasSubstr("the server's own have site=paris."));
  EXPECT_EQ(RunCli({"pipelines", "describe"}), 0) << Stderr();
  EXPECT_THAT(Stdout(), ContainsRegex("worker labels +site=paris\n"));

  more_flags_ = {"--worker-label", "site=paris", "--worker-label", "gpu=a100"};
  KillAndRestartServer();
  AwaitCommitted(Connect(), "picky", 2);
  EXPECT_EQ(RunCli({"jobs", "show", "picky"}), 0) << Stderr();
  EXPECT_THAT(Stdout(), ContainsRegex("worker labels +gpu=a100, site=paris\n"));
}

TEST_F(SchedulingTest, WithAnOrderingKeyAndAKillTheResultsAreThoseOfAnyRun) {
  ASSERT_EQ(RunCli(MainJob("reference.jsonl", "reference.csv")), 0) << Stderr();
  const auto run = harness::Program::Start(
      Cli(MainJob("out.jsonl", "out.csv", {"--id", "keyed", "--rate", "20000", "--ordering-key", "Airport Name"})),
      {.stdout_file = Path("stdout"), .stderr_file = Path("stderr")});
  ASSERT_TRUE(run.ok()) << run.status();
  AwaitCommitted(Connect(), "keyed", 10);
  KillAndRestartServer();
  EXPECT_EQ((*run)->Wait(), 0) << Stderr();
  EXPECT_EQ(Read(Path("out.jsonl")), Read(Path("reference.jsonl")));
  EXPECT_EQ(Read(Path("out.csv")), Read(Path("reference.csv")));
}

}  // namespace
}  // namespace millrace::e2e
