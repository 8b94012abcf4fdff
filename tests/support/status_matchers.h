// GoogleTest matchers for absl::Status and absl::StatusOr; the installed Abseil has none.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/errors.h"

namespace millrace::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

/// `EXPECT_THAT(store.CloseJob(key), IsOk())`.
MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << "which is " << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

/// `EXPECT_THAT(ApplyClose(job, now), IsOkAndHolds(true))`.
MATCHER_P(IsOkAndHolds, value, std::string(negation ? "is not" : "is") + " OK and " + ::testing::PrintToString(value)) {
  if (arg.ok()) return ::testing::ExplainMatchResult(::testing::Eq(value), *arg, result_listener);
  *result_listener << "which is " << StatusOf(arg).ToString();
  return false;
}

/// `EXPECT_THAT(store.GetJob(key), IsError(model::Reason::kPipelineNotFound))`.
MATCHER_P(IsError, reason,
          std::string(negation ? "lacks" : "has") + " the reason " + std::string(model::ReasonName(reason))) {
  *result_listener << "which is " << StatusOf(arg).ToString();
  return model::HasReason(StatusOf(arg), reason);
}

/// The metadata value of an error by name; empty when it carries none.
inline std::string MetadataOf(const absl::Status& status, std::string_view name) {
  for (const auto& [key, value] : model::DetailsOf(status).metadata) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace millrace::testing

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses.
/// Unwraps a StatusOr or ends the test: `ASSERT_OK_AND_ASSIGN(const JobPtr job, store.GetJob(key));`
#define MILLRACE_CONCAT_INNER(a, b) a##b
#define MILLRACE_CONCAT(a, b) MILLRACE_CONCAT_INNER(a, b)
#define ASSERT_OK_AND_ASSIGN(declaration, expression) \
  ASSERT_OK_AND_ASSIGN_AS(MILLRACE_CONCAT(status_or_, __LINE__), declaration, expression)
#define ASSERT_OK_AND_ASSIGN_AS(result, declaration, expression) \
  auto result = (expression);                                    \
  ASSERT_TRUE(result.ok()) << result.status().ToString();        \
  declaration = *std::move(result)
// NOLINTEND(bugprone-macro-parentheses)
