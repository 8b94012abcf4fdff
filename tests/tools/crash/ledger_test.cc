#include "tools/crash/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tools/harness/temporary_folder.h"

namespace millrace::crash {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LedgerTest : public ::testing::Test {
 protected:
  Ledger Open() const {
    absl::StatusOr<Ledger> ledger = Ledger::Open(file_, -1);
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    return *ledger;
  }
  void Append(const std::string& bytes) const { std::ofstream(file_, std::ios::app) << bytes; }

  const harness::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "client.ledger";
};

TEST_F(LedgerTest, IsEmptyBeforeTheFirstFact) { EXPECT_THAT(ReadLedger(file_), IsEmpty()); }

TEST_F(LedgerTest, KeepsFactsInOrder) {
  const Ledger ledger = Open();
  ledger.Add("stored 3 4");
  ledger.Add("broken it is all wrong");
  const std::vector<Fact> facts = ReadLedger(file_);
  ASSERT_THAT(facts, SizeIs(2));
  EXPECT_EQ(facts[0].what, "stored");
  EXPECT_THAT(facts[0].numbers, ElementsAre(3, 4));
  EXPECT_EQ(facts[1].text, "it is all wrong");
}

TEST_F(LedgerTest, ATornLastLineDoesNotCount) {
  Open().Add("sent 1");
  Append("stored 1");
  EXPECT_THAT(ReadLedger(file_), SizeIs(1));
}

TEST_F(LedgerTest, GoesOnBehindTheLastWholeLine) {
  Open().Add("sent 1");
  Append("stored 1");
  Open().Add("sent 2");
  const std::vector<Fact> facts = ReadLedger(file_);
  ASSERT_THAT(facts, SizeIs(2));
  EXPECT_THAT(facts[1].numbers, ElementsAre(2));
}

}  // namespace
}  // namespace millrace::crash
