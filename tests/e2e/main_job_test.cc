#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <random>

#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

constexpr int kChunks = 34;

class MainJobTest : public E2eFixture {
 protected:
  MainJobTest() {
    StartServer();
    CreateStrikeService();
  }

  /// What an undisturbed run writes; whatever is killed, the files must come out the same.
  void RunReference() { ASSERT_EQ(RunCli(MainJob("reference.jsonl", "reference.csv")), 0) << Stderr(); }

  void ExpectSameAsReference(const std::string& output, const std::string& rejects) {
    EXPECT_EQ(Read(Path(output)), Read(Path("reference.jsonl")));
    EXPECT_EQ(Read(Path(rejects)), Read(Path("reference.csv")));
  }

  static int64_t CountLines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

  static double SumOf(const std::string& field, const std::string& json_lines) {
    double sum = 0;
    const std::string key = "\"" + field + "\":";
    for (size_t at = json_lines.find(key); at != std::string::npos; at = json_lines.find(key, at + 1)) {
      sum += std::strtod(json_lines.c_str() + at + key.size(), nullptr);
    }
    return sum;
  }

  const unsigned seed_ = std::random_device()();
  std::mt19937 random_{seed_};
};

TEST_F(MainJobTest, GivesTheKnownResultsExceptionsAndEnergy) {
  RunReference();
  const std::string output = Read(Path("reference.jsonl"));
  EXPECT_EQ(CountLines(output), 7'150);
  EXPECT_EQ(CountLines(Read(Path("reference.csv"))), 2'850 + 1) << "and the header";
  EXPECT_NEAR(SumOf("energy_j", output), 20'060'335.15, 0.005);
}

TEST_F(MainJobTest, KillingTheServerAtAnyMomentLosesAndDoublesNothing) {
  RunReference();
  RecordProperty("seed", std::to_string(seed_));
  SCOPED_TRACE("seed " + std::to_string(seed_));
  const auto run =
      harness::Program::Start(Cli(MainJob("out.jsonl", "rejects.csv", {"--id", "killed", "--rate", "10000"})),
                              {.stdout_file = Path("stdout"), .stderr_file = Path("stderr")});
  ASSERT_TRUE(run.ok()) << run.status();
  const client::Client client = Connect();
  int committed = 0;
  for (int kills = 0; kills < 4; ++kills) {
    committed += static_cast<int>(random_() % (kChunks / 5)) + 1;
    AwaitCommitted(client, "killed", committed);
    KillAndRestartServer();
  }
  EXPECT_EQ((*run)->Wait(), 0) << Stderr();
  ExpectSameAsReference("out.jsonl", "rejects.csv");
}

TEST_F(MainJobTest, AKilledClientGoesOnUnderTheSameIdAndLosesAndDoublesNothing) {
  RunReference();
  SCOPED_TRACE("seed " + std::to_string(seed_));
  const std::vector<std::string> command =
      Cli(MainJob("out.jsonl", "rejects.csv", {"--id", "resumed", "--rate", "20000"}));
  const client::Client client = Connect();
  int committed = 0;
  for (int kills = 0; kills < 3; ++kills) {
    const auto run = harness::Program::Start(command, {.stdout_file = Path("stdout"), .stderr_file = Path("stderr")});
    ASSERT_TRUE(run.ok()) << run.status();
    committed += static_cast<int>(random_() % (kChunks / 4)) + 1;
    AwaitCommitted(client, "resumed", committed);
    (*run)->End(SIGKILL);
    EXPECT_FALSE(std::filesystem::exists(Path("out.jsonl"))) << "an output that is not whole must not look whole";
  }
  EXPECT_EQ(RunAnything(command), 0) << Stderr();
  ExpectSameAsReference("out.jsonl", "rejects.csv");
}

TEST_F(MainJobTest, AServerThatIsStoppedForAWhileLosesAndDoublesNothing) {
  RunReference();
  const auto run =
      harness::Program::Start(Cli(MainJob("out.jsonl", "rejects.csv", {"--id", "stopped", "--rate", "20000"})),
                              {.stdout_file = Path("stdout"), .stderr_file = Path("stderr")});
  ASSERT_TRUE(run.ok()) << run.status();
  client::ClientOptions once;
  once.endpoint = server_->address();
  once.retry.max_elapsed = absl::ZeroDuration();
  const client::Client client = *client::Client::Connect(once);
  for (const int committed : {5, 15}) {
    AwaitCommitted(client, "stopped", committed);
    server_->Freeze();
    // The deadline of a call that nobody answers is the while.
    EXPECT_TRUE(absl::IsDeadlineExceeded(client.DescribePipelines({}, {.timeout = absl::Milliseconds(500)}).status()));
    server_->Thaw();
  }
  EXPECT_EQ((*run)->Wait(), 0) << Stderr();
  ExpectSameAsReference("out.jsonl", "rejects.csv");
}

TEST_F(MainJobTest, MendedRejectsCanBePushedAsTheyAre) {
  RunReference();
  std::string rejects = Read(Path("reference.csv"));
  // Every blank speed becomes 100 knots: the last cell of the original row, before the three columns of the reason.
  size_t mended = 0;
  for (size_t at = rejects.find(",,INPUT_MISSING,"); at != std::string::npos;
       at = rejects.find(",,INPUT_MISSING,", at)) {
    rejects.replace(at, 2, ",100,");
    ++mended;
  }
  std::ofstream(Path("mended.csv")) << rejects;
  ASSERT_EQ(mended, 2'836u);
  EXPECT_EQ(RunCli({"run", "aviation/strike-severity", "--input", Path("mended.csv").string(), "--output",
                    Path("more.jsonl").string(), "--rejects", Path("still.csv").string(), "--allow-exceptions"}),
            0)
      << Stderr();
  EXPECT_EQ(CountLines(Read(Path("more.jsonl"))), 2'835) << "one of them has an unknown damage too";
  EXPECT_EQ(CountLines(Read(Path("still.csv"))), 15 + 1);
}

}  // namespace
}  // namespace millrace::e2e
