#include "storage/model/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "storage/model/errors.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::testing::HasSubstr;

TEST(ValidateIdTest, TakesAllAllowedCharacters) {
  EXPECT_THAT(ValidateId("id", "AZaz09._:-"), IsOk());
  EXPECT_THAT(ValidateId("id", std::string(kIdBytesMax, 'x')), IsOk());
}

TEST(ValidateIdTest, RefusesOddCharactersAndSaysWhichAndWhere) {
  for (const std::string odd : {" ", "/", "\n", "'", "$", "[", "\x7f", "é"}) {
    const absl::Status refused = ValidateId("chunks[0].id", "ab" + odd);
    EXPECT_THAT(refused, IsError(Reason::kFieldInvalid)) << odd;
    EXPECT_EQ(DetailsOf(refused).field, "chunks[0].id");
    EXPECT_THAT(std::string(refused.message()), HasSubstr("at byte 3"));
  }
  EXPECT_THAT(ValidateId("id", std::string_view("a\0b", 3)), IsError(Reason::kFieldInvalid));
  EXPECT_THAT(std::string(ValidateId("id", "a\n").message()), HasSubstr("'\\n'"));
}

TEST(ValidateIdTest, RefusesEmptyAndLong) {
  EXPECT_THAT(ValidateId("id", ""), IsError(Reason::kFieldInvalid));
  EXPECT_THAT(ValidateId("id", std::string(kIdBytesMax + 1, 'x')), IsError(Reason::kFieldInvalid));
  EXPECT_THAT(ValidateId("request_id", "12345", 4), IsError(Reason::kFieldInvalid));
}

TEST(IdGeneratorTest, IdsAreValidAndAllDifferent) {
  const ManualClock clock(At(0));
  IdGenerator generator(&clock, 1);
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = generator.Next();
    EXPECT_EQ(id.size(), 26);
    EXPECT_THAT(ValidateId("id", id), IsOk());
    EXPECT_TRUE(ids.insert(id).second) << id;
  }
}

TEST(IdGeneratorTest, IdsSortByTheMillisecondTheyWereMade) {
  ManualClock clock(At(0));
  IdGenerator generator(&clock, 2);
  std::string before = generator.Next();
  for (int i = 0; i < 1000; ++i) {
    clock.Advance(absl::Milliseconds(1));
    std::string id = generator.Next();
    EXPECT_LT(before, id);
    before = std::move(id);
  }
}

TEST(IdGeneratorTest, TheTimeStandsInTheFirstTenCharacters) {
  const ManualClock epoch(absl::UnixEpoch());
  EXPECT_EQ(IdGenerator(&epoch, 3).Next().substr(0, 10), "0000000000");
  const ManualClock later(absl::FromUnixMillis(33));
  EXPECT_EQ(IdGenerator(&later, 3).Next().substr(0, 10), "0000000011");
  const ManualClock before_epoch(absl::FromUnixMillis(-5));
  EXPECT_EQ(IdGenerator(&before_epoch, 3).Next().substr(0, 10), "0000000000");
}

TEST(IdGeneratorTest, TheSameSeedGivesTheSameIds) {
  const ManualClock clock(At(0));
  IdGenerator one(&clock, 4);
  IdGenerator two(&clock, 4);
  IdGenerator other(&clock, 5);
  const std::string first = one.Next();
  EXPECT_EQ(two.Next(), first);
  EXPECT_NE(other.Next(), first);
}

}  // namespace
}  // namespace millrace::model
