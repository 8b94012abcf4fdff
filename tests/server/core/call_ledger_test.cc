#include "server/core/call_ledger.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace millrace::core {
namespace {

TEST(CallLedgerTest, CountsByMethodAndCode) {
  CallLedger ledger;
  ledger.Answered("a/B", absl::StatusCode::kOk, absl::Milliseconds(2));
  ledger.Answered("a/B", absl::StatusCode::kOk, absl::Milliseconds(3));
  ledger.Answered("a/B", absl::StatusCode::kNotFound, absl::Seconds(60));
  const std::vector<MethodCalls> calls = ledger.Read();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].method, "a/B");
  EXPECT_EQ(calls[0].by_code, (std::map<std::string, int64_t>{{"OK", 2}, {"NOT_FOUND", 1}}));
  EXPECT_EQ(calls[0].seconds.total(), 3);
  EXPECT_EQ(calls[0].seconds.counts.back(), 1) << "a minute is beyond every bound";
  EXPECT_NEAR(calls[0].seconds.sum, 60.005, 1e-9);
}

TEST(CallLedgerTest, NamesThatCallersMakeUpAreBounded) {
  CallLedger ledger;
  for (size_t i = 0; i < 3 * CallLedger::kMethodsMax; ++i) {
    ledger.Answered(absl::StrCat("made/up", i), absl::StatusCode::kUnimplemented, absl::ZeroDuration());
  }
  const std::vector<MethodCalls> calls = ledger.Read();
  EXPECT_EQ(calls.size(), CallLedger::kMethodsMax + 1);
  int64_t all = 0;
  for (const MethodCalls& method : calls) all += method.by_code.at("UNIMPLEMENTED");
  EXPECT_EQ(all, static_cast<int64_t>(3 * CallLedger::kMethodsMax));
}

TEST(CallLedgerTest, KnowsWhatRuns) {
  CallLedger ledger;
  ledger.Began();
  ledger.Began();
  ledger.Ended();
  EXPECT_EQ(ledger.running(), 1);
}

}  // namespace
}  // namespace millrace::core
