#include "storage/model/exception.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace millrace::model {
namespace {

TEST(NormaliseMessageTest, TakesNumbersAndQuotedTextsOut) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"unknown size", "unknown size"},
      {"unknown size 'Huge'", "unknown size '…'"},
      {"unknown size \"Huge\"", "unknown size '…'"},
      {"unknown size `Huge`", "unknown size '…'"},
      {"unknown size ''", "unknown size '…'"},
      {"a 'b' and 'c'", "a '…' and '…'"},
      {"'a''b'", "'…''…'"},
      {"expected 'it's here' now", "expected '…' now"},
      {"line 12 of 300", "line # of #"},
      {"was 3.75, not 1.2.3", "was #, not #"},
      {"was -4 or +4", "was # or #"},
      {"was 6e-07 or 1.5E9", "was # or #"},
      {"at 0x7fA0", "at #"},
      {"on 2024-01-31", "on #-#-#"},
      {"record r17 of x2y", "record r# of x#y"},
      {"5 o'clock isn't 6 o'clock", "# o'clock isn't # o'clock"},
      {"an unclosed 'quote 7", "an unclosed 'quote #"},
      {"an unclosed \"quote 7", "an unclosed \"quote #"},
      {"ends with 7.", "ends with #."},
      {"7", "#"},
      {"-", "-"},
      {"0x", "#x"},
      {"2e", "#e"},
      {"größe 'ü' 5", "größe '…' #"},
  };
  for (const auto& [message, normal] : cases) EXPECT_EQ(NormaliseMessage(message), normal) << message;
}

TEST(NormaliseMessageTest, ChangesNothingTheSecondTime) {
  for (const std::string message : {"unknown size 'Huge' in line -12", "a \"b\" `c` 1.5e3", "can't 'x' 0xff"}) {
    const std::string once = NormaliseMessage(message);
    EXPECT_EQ(NormaliseMessage(once), once);
  }
}

TEST(FingerprintTest, IsSixteenHexadecimalDigits) {
  const std::string fingerprint = Fingerprint("mass", "FAILED", "unknown size '…'", "hash");
  EXPECT_EQ(fingerprint.size(), 16);
  EXPECT_EQ(fingerprint.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(FingerprintTest, TellsEachPartApart) {
  const std::set<std::string> fingerprints = {
      Fingerprint("a", "b", "c", "d"), Fingerprint("x", "b", "c", "d"), Fingerprint("a", "x", "c", "d"),
      Fingerprint("a", "b", "x", "d"), Fingerprint("a", "b", "c", "x"), Fingerprint("ab", "", "c", "d"),
      Fingerprint("", "ab", "c", "d"), Fingerprint("", "", "", ""),
  };
  EXPECT_EQ(fingerprints.size(), 8);
}

TEST(FingerprintTest, NeverChanges) {
  EXPECT_EQ(Fingerprint("mass", "FAILED", "unknown size '…'", "hash"), "54613fccf8039c7f");
}

TEST(ExceptionIdTest, IsSequenceAndIndex) { EXPECT_EQ(ExceptionId(12, 0), "12-0"); }

}  // namespace
}  // namespace millrace::model
