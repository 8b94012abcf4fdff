#include "server/rpc/status.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "storage/model/errors.h"

namespace millrace::rpc {
namespace {

using model::Reason;

google::rpc::Status RichStatus(const grpc::Status& status) {
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  return rich;
}

template <typename Detail>
bool FindDetail(const grpc::Status& status, Detail& detail) {
  const google::rpc::Status rich = RichStatus(status);
  for (const auto& any : rich.details()) {
    if (any.UnpackTo(&detail)) return true;
  }
  return false;
}

TEST(StatusTest, OkStaysOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(StatusTest, AnErrorCarriesItsReasonAndEachVariableOfItsMessage) {
  const grpc::Status status =
      ToGrpcStatus(model::MakeError(Reason::kChunkIdTaken, "chunk 'a' has other bytes", {{"chunk_id", "a"}}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(status.error_message(), "chunk 'a' has other bytes");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(FindDetail(status, info));
  EXPECT_EQ(info.reason(), "CHUNK_ID_TAKEN");
  EXPECT_EQ(info.domain(), "millrace.dev");
  EXPECT_EQ(info.metadata().at("chunk_id"), "a");
  google::rpc::BadRequest bad_request;
  EXPECT_FALSE(FindDetail(status, bad_request));
}

TEST(StatusTest, ABadFieldIsNamedAsFieldViolation) {
  const grpc::Status status = ToGrpcStatus(model::FieldError("chunks[2].id", "is required"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(FindDetail(status, bad_request));
  ASSERT_EQ(bad_request.field_violations_size(), 1);
  EXPECT_EQ(bad_request.field_violations(0).field(), "chunks[2].id");
  EXPECT_EQ(bad_request.field_violations(0).description(), "chunks[2].id: is required");
}

TEST(StatusTest, WhoShouldWaitIsToldForHowLong) {
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(FindDetail(BusyStatus(), retry));
  EXPECT_EQ(retry.retry_delay().nanos(), 100'000'000);
  EXPECT_EQ(BusyStatus().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(StatusTest, AnErrorWithoutReasonIsADefectOfOurs) {
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(FindDetail(ToGrpcStatus(absl::InternalError("oops")), info));
  EXPECT_EQ(info.reason(), "INTERNAL_ERROR");
}

}  // namespace
}  // namespace millrace::rpc
