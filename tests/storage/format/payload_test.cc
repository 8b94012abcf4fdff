#include "storage/format/payload.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "storage/model/chunk.h"
#include "tests/support/status_matchers.h"

namespace millrace::format {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Reason;

std::string Lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "{\"size\":\"Small\",\"n\":" + std::to_string(i) + "}\n";
  return lines;
}

std::string Noise(size_t size) {
  std::mt19937 random(7);
  std::string noise(size, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  return noise;
}

TEST(PayloadTest, ComesBackAsItWas) {
  for (const std::string& raw : {std::string(), std::string("x"), std::string("\0\n\xff", 3), Lines(1), Lines(1'000),
                                 Noise(1), Noise(100'000), std::string(1 << 20, '\n')}) {
    ASSERT_OK_AND_ASSIGN(const std::string decoded, DecodePayload(EncodePayload(raw)));
    EXPECT_TRUE(decoded == raw) << raw.size();
    ASSERT_OK_AND_ASSIGN(const size_t size, PayloadSize(EncodePayload(raw)));
    EXPECT_EQ(size, raw.size());
  }
}

TEST(PayloadTest, ShrinksWhatCanShrinkAndNothingElse) {
  EXPECT_LT(EncodePayload(Lines(300)).size(), Lines(300).size() / 2);
  EXPECT_LE(EncodePayload(Noise(10'000)).size(), 10'000u + 17u);
}

TEST(PayloadTest, LeavesRoomBehindTheEndForTheJsonParser) {
  for (const std::string& raw : {std::string(), Lines(1), Lines(300), Noise(5'000)}) {
    ASSERT_OK_AND_ASSIGN(const std::string decoded, DecodePayload(EncodePayload(raw)));
    EXPECT_GE(decoded.capacity(), decoded.size() + model::kPayloadPadding);
  }
}

TEST(PayloadTest, EveryFlippedBitIsNoticed) {
  for (const std::string& raw : {Lines(20), Noise(100)}) {
    std::string stored = EncodePayload(raw);
    for (size_t bit = 0; bit < stored.size() * 8; ++bit) {
      stored[bit / 8] ^= static_cast<char>(1 << bit % 8);
      const absl::StatusOr<std::string> decoded = DecodePayload(stored);
      // A block may be damaged where it makes no difference to what it says; it must never say something else.
      if (decoded.ok()) {
        EXPECT_EQ(*decoded, raw) << "bit " << bit;
      } else {
        EXPECT_THAT(decoded, IsError(Reason::kStorageCorrupt)) << "bit " << bit;
      }
      stored[bit / 8] ^= static_cast<char>(1 << bit % 8);
    }
    ASSERT_THAT(DecodePayload(stored), IsOk());
  }
}

TEST(PayloadTest, EveryMissingByteIsNoticed) {
  for (const std::string& raw : {std::string(), Lines(20), Noise(100)}) {
    const std::string stored = EncodePayload(raw);
    for (size_t size = 0; size < stored.size(); ++size) {
      EXPECT_THAT(DecodePayload(stored.substr(0, size)), IsError(Reason::kStorageCorrupt)) << size;
    }
    EXPECT_THAT(DecodePayload(stored + "x"), IsError(Reason::kStorageCorrupt));
  }
}

TEST(PayloadTest, ASizeThatCannotBeIsRefusedBeforeMemoryIsTaken) {
  std::string stored = EncodePayload(Lines(20));
  for (size_t i = 1; i <= 8; ++i) stored[i] = '\x7f';
  EXPECT_THAT(PayloadSize(stored), IsError(Reason::kStorageCorrupt));
  EXPECT_THAT(DecodePayload(stored), IsError(Reason::kStorageCorrupt));
}

}  // namespace
}  // namespace millrace::format
