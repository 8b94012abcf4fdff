#include "client/cpp/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace millrace::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

absl::Status WithDetails(const google::rpc::Status& details) {
  absl::Status status = absl::UnknownError("x");
  status.SetPayload({kServerStatusUrl.data(), kServerStatusUrl.size()}, absl::Cord(details.SerializeAsString()));
  return status;
}

google::rpc::Status InfoOf(const std::string& domain, const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_domain(domain);
  info.set_reason(reason);
  google::rpc::Status status;
  status.add_details()->PackFrom(info);
  return status;
}

TEST(ErrorDetailsTest, EverythingAServerSaysIsRead) {
  const absl::Status status = MakeServerError(absl::StatusCode::kResourceExhausted, "the input buffer is full",
                                              {.reason = v1::INPUT_BUFFER_FULL,
                                               .metadata = {{"needed_bytes", "26400"}, {"remaining_bytes", "12"}},
                                               .field_violations = {{"chunks[2].id", "is taken"}},
                                               .retry_delay = absl::Milliseconds(1250)});

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "the input buffer is full");
  const ErrorDetails details = ErrorDetailsOf(status);
  EXPECT_EQ(details.reason, v1::INPUT_BUFFER_FULL);
  EXPECT_EQ(details.reason_name, "INPUT_BUFFER_FULL");
  EXPECT_THAT(details.metadata, ElementsAre(Pair("needed_bytes", "26400"), Pair("remaining_bytes", "12")));
  ASSERT_EQ(details.field_violations.size(), 1u);
  EXPECT_EQ(details.field_violations[0].field, "chunks[2].id");
  EXPECT_EQ(details.field_violations[0].description, "is taken");
  EXPECT_EQ(details.retry_delay, absl::Milliseconds(1250));
  EXPECT_EQ(details.retry_outcome, RetryOutcome::kNone);
}

TEST(ErrorDetailsTest, AStatusWithoutDetailsSaysNothing) {
  for (const absl::Status& status : {absl::OkStatus(), absl::UnavailableError("connection refused")}) {
    const ErrorDetails details = ErrorDetailsOf(status);
    EXPECT_EQ(details.reason, v1::ERROR_REASON_UNSPECIFIED);
    EXPECT_THAT(details.reason_name, IsEmpty());
    EXPECT_FALSE(details.retry_delay.has_value());
  }
}

TEST(ErrorDetailsTest, AReasonNewerThanTheSdkKeepsItsName) {
  const absl::Status status = WithDetails(InfoOf("millrace.dev", "QUOTA_SPENT"));
  EXPECT_EQ(ErrorReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ErrorDetailsOf(status).reason_name, "QUOTA_SPENT");
}

TEST(ErrorDetailsTest, ReasonsOfOtherDomainsAreNotOurs) {
  const absl::Status status = WithDetails(InfoOf("proxy.example", "CHUNK_EMPTY"));
  EXPECT_EQ(ErrorReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(ErrorDetailsTest, BytesThatAreNoStatusSayNothing) {
  absl::Status status = absl::UnknownError("x");
  status.SetPayload({kServerStatusUrl.data(), kServerStatusUrl.size()}, absl::Cord("\xff\xff\xff"));
  EXPECT_EQ(ErrorReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(ErrorDetailsTest, AMadeErrorMayCarryAnOutcome) {
  const absl::Status status =
      MakeServerError(absl::StatusCode::kUnavailable, "gone",
                      {.reason = v1::SERVER_NOT_READY, .retry_outcome = RetryOutcome::kExhausted});
  EXPECT_EQ(ErrorDetailsOf(status).retry_outcome, RetryOutcome::kExhausted);
  EXPECT_EQ(ErrorReasonOf(status), v1::SERVER_NOT_READY);
}

}  // namespace
}  // namespace millrace::client
