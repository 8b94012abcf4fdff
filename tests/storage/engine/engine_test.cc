#include "storage/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::engine {
namespace {

using harness::TemporaryFolder;
using ::millrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr FamilyIndex kSmall = 0;
constexpr FamilyIndex kLarge = 1;

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() { Open({{"small", false, true}, {"large", true, false}}); }

  void Open(std::vector<FamilyOptions> families) {
    engine_.reset();
    EngineOptions options;
    options.folder = folder_.path() / "data";
    options.families = std::move(families);
    absl::StatusOr<std::unique_ptr<Engine>> opened = OpenEngine(options);
    ASSERT_THAT(opened, IsOk());
    engine_ = *std::move(opened);
  }

  void Put(FamilyIndex family, const std::vector<std::string>& keys) {
    const std::unique_ptr<WriteUnit> unit = engine_->NewUnit();
    for (const std::string& key : keys) unit->Put(family, key, "value of " + key);
    ASSERT_THAT(engine_->Write(*unit, true), IsOk());
  }

  std::optional<std::string> Get(FamilyIndex family, std::string_view key) {
    const absl::StatusOr<std::optional<std::string>> value = engine_->Get(family, key);
    EXPECT_THAT(value, IsOk());
    return value.ok() ? *value : std::nullopt;
  }

  std::vector<std::string> Keys(FamilyIndex family, std::string_view begin, std::string_view end,
                                Direction direction = Direction::kForward) {
    std::vector<std::string> keys;
    const std::unique_ptr<Cursor> cursor = engine_->Scan(family, begin, end, direction);
    for (; cursor->valid(); cursor->Next()) {
      keys.emplace_back(cursor->key());
      EXPECT_EQ(cursor->value(), "value of " + keys.back());
    }
    EXPECT_THAT(cursor->status(), IsOk());
    return keys;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, WhatIsWrittenIsRead) {
  Put(kSmall, {"a", std::string("b\0c", 3)});
  EXPECT_THAT(Get(kSmall, "a"), Optional(Eq("value of a")));
  EXPECT_THAT(Get(kSmall, std::string_view("b\0c", 3)), Optional(Eq(std::string("value of b\0c", 12))));
  EXPECT_EQ(Get(kSmall, "b"), std::nullopt);
  EXPECT_EQ(Get(kLarge, "a"), std::nullopt);
}

TEST_F(EngineTest, AValueInPartsIsOneValue) {
  const std::unique_ptr<WriteUnit> unit = engine_->NewUnit();
  unit->Put(kLarge, "k", std::array<std::string_view, 3>{"one, ", "", "two"});
  ASSERT_THAT(engine_->Write(*unit, false), IsOk());
  EXPECT_THAT(Get(kLarge, "k"), Optional(Eq("one, two")));
}

TEST_F(EngineTest, ACursorKeepsToItsRange) {
  Put(kSmall, {"a", "b", "ba", "c", "d"});
  EXPECT_THAT(Keys(kSmall, "b", "d"), ElementsAre("b", "ba", "c"));
  EXPECT_THAT(Keys(kSmall, "b", "d", Direction::kBackward), ElementsAre("c", "ba", "b"));
  EXPECT_THAT(Keys(kSmall, "e", "z"), IsEmpty());
  EXPECT_THAT(Keys(kSmall, "d", "b"), IsEmpty());
  EXPECT_THAT(Keys(kLarge, "a", "z"), IsEmpty());
}

TEST_F(EngineTest, ACursorSeesTheKeysAsTheyWere) {
  Put(kSmall, {"a", "b"});
  const std::unique_ptr<Cursor> cursor = engine_->Scan(kSmall, "a", "z");
  Put(kSmall, {"aa"});
  ASSERT_TRUE(cursor->valid());
  cursor->Next();
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "b");
}

TEST_F(EngineTest, DeletingARangeSparesItsEnd) {
  Put(kSmall, {"a", "b", "c", "d"});
  const std::unique_ptr<WriteUnit> unit = engine_->NewUnit();
  unit->Put(kSmall, "bb", "value of bb");
  unit->DeleteRange(kSmall, "b", "d");
  unit->Put(kSmall, "c", "value of c");
  unit->Delete(kSmall, "a");
  ASSERT_THAT(engine_->Write(*unit, true), IsOk());
  EXPECT_THAT(Keys(kSmall, "a", "z"), ElementsAre("c", "d"));
}

TEST_F(EngineTest, AUnitKnowsWhetherItChangesAnything) {
  const std::unique_ptr<WriteUnit> unit = engine_->NewUnit();
  EXPECT_TRUE(unit->empty());
  unit->DeleteRange(kSmall, "a", "b");
  EXPECT_FALSE(unit->empty());
}

TEST_F(EngineTest, WhatWasWrittenWithoutSyncIsThereAfterReopening) {
  const std::unique_ptr<WriteUnit> unit = engine_->NewUnit();
  unit->Put(kSmall, "a", "value of a");
  ASSERT_THAT(engine_->Write(*unit, false), IsOk());
  ASSERT_THAT(engine_->SyncLog(), IsOk());
  Open({{"small", false, true}, {"large", true, false}});
  EXPECT_THAT(Keys(kSmall, "a", "z"), ElementsAre("a"));
}

TEST_F(EngineTest, FamiliesAreFoundByNameWhateverTheirOrder) {
  Put(kSmall, {"s"});
  Put(kLarge, {"l"});
  Open({{"large", true, false}, {"another", false, false}, {"small", false, true}});
  EXPECT_THAT(Keys(0, "a", "z"), ElementsAre("l"));
  EXPECT_THAT(Keys(1, "a", "z"), IsEmpty());
  EXPECT_THAT(Keys(2, "a", "z"), ElementsAre("s"));
}

TEST_F(EngineTest, FamiliesThatAreNotAskedForAreLeftAlone) {
  Put(kLarge, {"l"});
  Open({{"small", false, true}});
  Put(kSmall, {"s"});
  Open({{"small", false, true}, {"large", true, false}});
  EXPECT_THAT(Keys(kLarge, "a", "z"), ElementsAre("l"));
}

}  // namespace
}  // namespace millrace::engine
