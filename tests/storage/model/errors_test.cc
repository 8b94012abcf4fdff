#include "storage/model/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::model {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ErrorsTest, TheCodeFollowsFromTheReason) {
  EXPECT_EQ(MakeError(Reason::kFieldInvalid, "m").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MakeError(Reason::kPipelineNotFound, "m").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(MakeError(Reason::kChunkIdTaken, "m").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(MakeError(Reason::kPipelineClosed, "m").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(MakeError(Reason::kCursorInFuture, "m").code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(MakeError(Reason::kInputBufferFull, "m").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MakeError(Reason::kLeaseStale, "m").code(), absl::StatusCode::kAborted);
  EXPECT_EQ(MakeError(Reason::kServerNotReady, "m").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(MakeError(Reason::kStorageCorrupt, "m").code(), absl::StatusCode::kDataLoss);
}

TEST(ErrorsTest, DetailsComeBackAsTheyWereAttached) {
  const absl::Status status =
      WithField(WithRetryAfter(MakeError(Reason::kInputBufferFull, "full", {{"needed_bytes", "7"}, {"empty", ""}}),
                               absl::Milliseconds(200)),
                "chunks[2]");
  EXPECT_EQ(status.message(), "full");
  const ErrorDetails details = DetailsOf(status);
  EXPECT_EQ(details.reason, Reason::kInputBufferFull);
  EXPECT_EQ(details.field, "chunks[2]");
  EXPECT_EQ(details.retry_after, absl::Milliseconds(200));
  EXPECT_THAT(details.metadata, ElementsAre(Pair("empty", ""), Pair("needed_bytes", "7")));
}

TEST(ErrorsTest, AFieldErrorNamesTheFieldInTheMessageToo) {
  const absl::Status status = FieldError("chunk_size", "is -1, expected 1 to 100000");
  EXPECT_EQ(status.message(), "chunk_size: is -1, expected 1 to 100000");
  EXPECT_EQ(DetailsOf(status).field, "chunk_size");
  EXPECT_TRUE(HasReason(status, Reason::kFieldInvalid));
}

TEST(ErrorsTest, AStatusFromElsewhereCountsAsADefect) {
  EXPECT_TRUE(HasReason(absl::UnknownError("?"), Reason::kInternalError));
}

TEST(ErrorsTest, SuccessHasNoReason) {
  EXPECT_FALSE(HasReason(absl::OkStatus(), Reason::kUnspecified));
  EXPECT_EQ(DetailsOf(absl::OkStatus()).reason, Reason::kUnspecified);
}

}  // namespace
}  // namespace millrace::model
