#include "client/cpp/internal/retry_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cpp/errors.h"
#include "tests/client/cpp/fixtures.h"
#include "tests/support/status_matchers.h"

namespace millrace::client::internal {
namespace {

using ::testing::HasSubstr;

MethodPolicy Policy() {
  return {.timeout = absl::Seconds(30),
          .initial_backoff = absl::Milliseconds(100),
          .max_backoff = absl::Milliseconds(500),
          .backoff_multiplier = 2,
          .retryable_codes = {absl::StatusCode::kUnavailable}};
}

RetryController Controller(RetryOptions options = {.jitter = 0}, bool idempotent = true) {
  return RetryController(options, Policy(), idempotent);
}

RetryOutcome OutcomeOf(const absl::StatusOr<absl::Duration>& decision) {
  return ErrorDetailsOf(decision.status()).retry_outcome;
}

TEST(RetryControllerTest, WaitsGrowToTheLongest) {
  RetryController controller = Controller();
  for (const int milliseconds : {100, 200, 400, 500, 500}) {
    ASSERT_OK_AND_ASSIGN(const absl::Duration wait, controller.OnFailure(Unavailable(), absl::ZeroDuration()));
    EXPECT_EQ(wait, absl::Milliseconds(milliseconds));
  }
}

TEST(RetryControllerTest, OptionsReplaceTheBackoffOfTheMethod) {
  RetryController controller = Controller(
      {.initial_backoff = absl::Seconds(1), .max_backoff = absl::Seconds(4), .backoff_multiplier = 3, .jitter = 0});
  for (const int seconds : {1, 3, 4}) {
    ASSERT_OK_AND_ASSIGN(const absl::Duration wait, controller.OnFailure(Unavailable(), absl::ZeroDuration()));
    EXPECT_EQ(wait, absl::Seconds(seconds));
  }
}

TEST(RetryControllerTest, ChanceShortensBackoffsByNoMoreThanItsShare) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK_AND_ASSIGN(const absl::Duration wait,
                         Controller({.jitter = 0.5}).OnFailure(Unavailable(), absl::ZeroDuration()));
    EXPECT_LE(wait, absl::Milliseconds(100));
    EXPECT_GE(wait, absl::Milliseconds(50));
  }
}

TEST(RetryControllerTest, AServerIsNeverAskedEarlierThanItWishes) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK_AND_ASSIGN(const absl::Duration wait,
                         Controller({.jitter = 0.5}).OnFailure(Full(absl::Seconds(7)), absl::ZeroDuration()));
    EXPECT_GE(wait, absl::Seconds(7));
    EXPECT_LE(wait, absl::Milliseconds(10'500));
  }
}

TEST(RetryControllerTest, AFullServerIsAskedAtTheWishedTimeHoweverOften) {
  RetryController controller = Controller();
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK_AND_ASSIGN(const absl::Duration wait,
                         controller.OnFailure(Full(absl::Milliseconds(20)), absl::ZeroDuration()));
    EXPECT_EQ(wait, absl::Milliseconds(20));
  }
}

TEST(RetryControllerTest, UnavailableMayComeWithAWishToo) {
  const absl::Status status = MakeServerError(absl::StatusCode::kUnavailable, "starting",
                                              {.reason = v1::SERVER_NOT_READY, .retry_delay = absl::Seconds(3)});
  ASSERT_OK_AND_ASSIGN(const absl::Duration wait, Controller().OnFailure(status, absl::ZeroDuration()));
  EXPECT_EQ(wait, absl::Seconds(3));
}

TEST(RetryControllerTest, OtherErrorsArePermanent) {
  for (const absl::StatusCode code :
       {absl::StatusCode::kInvalidArgument, absl::StatusCode::kNotFound, absl::StatusCode::kAborted,
        absl::StatusCode::kDeadlineExceeded, absl::StatusCode::kInternal, absl::StatusCode::kCancelled}) {
    const auto decision = Controller().OnFailure(Refusal(code, v1::FIELD_INVALID), absl::ZeroDuration());
    EXPECT_EQ(decision.status().code(), code);
    EXPECT_EQ(decision.status().message(), "refused");
    EXPECT_EQ(ErrorReasonOf(decision.status()), v1::FIELD_INVALID);
    EXPECT_EQ(OutcomeOf(decision), RetryOutcome::kPermanent);
  }
}

TEST(RetryControllerTest, ResourceExhaustedWithoutAWishIsPermanent) {
  const auto decision =
      Controller().OnFailure(absl::ResourceExhaustedError("message larger than max"), absl::ZeroDuration());
  EXPECT_EQ(OutcomeOf(decision), RetryOutcome::kPermanent);
}

TEST(RetryControllerTest, ACallThatIsNotSafeToRepeatIsNotRepeated) {
  const auto decision = Controller({}, /*idempotent=*/false).OnFailure(Unavailable(), absl::ZeroDuration());
  EXPECT_EQ(OutcomeOf(decision), RetryOutcome::kNotIdempotent);
  EXPECT_THAT(std::string(decision.status().message()), HasSubstr("starting (not repeated"));
}

TEST(RetryControllerTest, ACallThatWasNotCarriedOutIsAlwaysSafeToRepeat) {
  EXPECT_TRUE(Controller({}, /*idempotent=*/false).OnFailure(Full(absl::Seconds(1)), absl::ZeroDuration()).ok());
}

TEST(RetryControllerTest, GivesUpWhenTheTimeIsSpent) {
  RetryController controller = Controller({.max_elapsed = absl::Seconds(10), .jitter = 0});
  EXPECT_TRUE(controller.OnFailure(Unavailable(), absl::Seconds(100)).ok());
  EXPECT_TRUE(controller.OnFailure(Unavailable(), absl::Seconds(109)).ok());
  const auto decision = controller.OnFailure(Unavailable(), absl::Seconds(110));
  EXPECT_EQ(OutcomeOf(decision), RetryOutcome::kExhausted);
  EXPECT_EQ(ErrorReasonOf(decision.status()), v1::SERVER_NOT_READY);
  EXPECT_EQ(decision.status().message(), "starting (gave up after 3 attempts within 10s)");
}

TEST(RetryControllerTest, NoTimeMeansNoRetries) {
  const auto decision =
      Controller({.max_elapsed = absl::ZeroDuration()}).OnFailure(Unavailable(), absl::ZeroDuration());
  EXPECT_EQ(OutcomeOf(decision), RetryOutcome::kExhausted);
}

TEST(RetryControllerTest, WaitingForRoomHasNoLimitByDefault) {
  RetryController controller = Controller({.max_elapsed = absl::Seconds(10), .jitter = 0});
  EXPECT_TRUE(controller.OnFailure(Full(absl::Seconds(1)), absl::ZeroDuration()).ok());
  EXPECT_TRUE(controller.OnFailure(Full(absl::Seconds(1)), absl::Hours(1000)).ok());
}

TEST(RetryControllerTest, WaitingForRoomHasALimitOfItsOwn) {
  RetryController controller = Controller({.max_wait_for_room = absl::Seconds(5), .jitter = 0});
  EXPECT_TRUE(controller.OnFailure(Full(absl::Seconds(1)), absl::ZeroDuration()).ok());
  EXPECT_EQ(OutcomeOf(controller.OnFailure(Full(absl::Seconds(1)), absl::Seconds(5))), RetryOutcome::kExhausted);
}

TEST(RetryControllerTest, ABusyServerIsAskedAsLongAsAnUnreachableOne) {
  RetryController controller = Controller({.max_elapsed = absl::Seconds(10), .jitter = 0});
  EXPECT_TRUE(controller.OnFailure(Full(absl::Seconds(1), v1::SERVER_BUSY), absl::ZeroDuration()).ok());
  EXPECT_EQ(OutcomeOf(controller.OnFailure(Full(absl::Seconds(1), v1::SERVER_BUSY), absl::Seconds(10))),
            RetryOutcome::kExhausted);
}

TEST(RetryControllerTest, EachCauseHasItsTimeToItself) {
  RetryController controller = Controller({.max_elapsed = absl::Seconds(10), .jitter = 0});
  EXPECT_TRUE(controller.OnFailure(Unavailable(), absl::ZeroDuration()).ok());
  EXPECT_TRUE(controller.OnFailure(Full(absl::Seconds(1)), absl::Seconds(9)).ok());
  // A second outage, an hour later: it starts with the shortest wait and has ten seconds again.
  ASSERT_OK_AND_ASSIGN(const absl::Duration wait, controller.OnFailure(Unavailable(), absl::Hours(1)));
  EXPECT_EQ(wait, absl::Milliseconds(100));
}

}  // namespace
}  // namespace millrace::client::internal
