#include "client/cpp/options.h"

#include <gtest/gtest.h>

#include "client/cpp/client.h"
#include "client/cpp/errors.h"
#include "client/cpp/puller.h"
#include "client/cpp/pusher.h"
#include "tests/support/status_matchers.h"

namespace millrace::client {
namespace {

using ::millrace::testing::IsOk;

// The option that an error names; empty for OK.
template <typename Options>
std::string WrongOption(const Options& options) {
  const ErrorDetails details = ErrorDetailsOf(Validate(options));
  return details.field_violations.empty() ? "" : details.field_violations[0].field;
}

std::string WrongRetryOption(const RetryOptions& retry) {
  ClientOptions options;
  options.retry = retry;
  return WrongOption(options);
}

TEST(ClientOptionsTest, DefaultsAreValid) {
  EXPECT_THAT(Validate(ClientOptions()), IsOk());
  EXPECT_THAT(Validate(PusherOptions()), IsOk());
  EXPECT_THAT(Validate(PullerOptions()), IsOk());
}

TEST(ClientOptionsTest, EndpointsOfAllKindsAreTaken) {
  for (const char* endpoint : {"localhost:7400", "[::1]:7400", "unix:/run/millrace.sock", "dns:///example.org:7400"}) {
    EXPECT_THAT(Validate(ClientOptions{.endpoint = endpoint}), IsOk()) << endpoint;
  }
}

TEST(ClientOptionsTest, EachWrongOptionIsNamed) {
  EXPECT_EQ(WrongOption(ClientOptions{.endpoint = ""}), "endpoint");
  EXPECT_EQ(WrongOption(ClientOptions{.endpoint = "http://localhost:7400"}), "endpoint");
  EXPECT_EQ(WrongOption(ClientOptions{.endpoint = "local host:7400"}), "endpoint");
  EXPECT_EQ(WrongOption(ClientOptions{.call_timeout = absl::ZeroDuration()}), "call_timeout");
  EXPECT_EQ(WrongOption(ClientOptions{.max_receive_message_bytes = -2}), "max_receive_message_bytes");
}

TEST(ClientOptionsTest, EachWrongRetryOptionIsNamed) {
  EXPECT_EQ(WrongRetryOption({.max_elapsed = -absl::Seconds(1)}), "retry.max_elapsed");
  EXPECT_EQ(WrongRetryOption({.max_wait_for_room = -absl::Seconds(1)}), "retry.max_wait_for_room");
  EXPECT_EQ(WrongRetryOption({.initial_backoff = absl::ZeroDuration()}), "retry.initial_backoff");
  EXPECT_EQ(WrongRetryOption({.initial_backoff = absl::Seconds(2), .max_backoff = absl::Seconds(1)}),
            "retry.max_backoff");
  EXPECT_EQ(WrongRetryOption({.backoff_multiplier = 0.5}), "retry.backoff_multiplier");
  EXPECT_EQ(WrongRetryOption({.jitter = 1.5}), "retry.jitter");
}

TEST(ClientOptionsTest, ConnectRefusesWrongOptionsAndNeedsNoServer) {
  EXPECT_EQ(ErrorReasonOf(Client::Connect({.endpoint = ""}).status()), v1::FIELD_INVALID);
  EXPECT_THAT(Client::Connect({.endpoint = "unix:/nobody/listens/here"}), IsOk());
}

TEST(PusherOptionsTest, EachWrongOptionIsNamed) {
  EXPECT_EQ(WrongOption(PusherOptions{.max_calls_in_flight = 0}), "max_calls_in_flight");
  EXPECT_EQ(WrongOption(PusherOptions{.max_calls_in_flight = 65}), "max_calls_in_flight");
  EXPECT_EQ(WrongOption(PusherOptions{.max_bytes_per_call = 0}), "max_bytes_per_call");
  EXPECT_EQ(WrongOption(PusherOptions{.max_bytes_in_flight = 0}), "max_bytes_in_flight");
}

TEST(PullerOptionsTest, EachWrongOptionIsNamed) {
  EXPECT_EQ(WrongOption(PullerOptions{.after = -1}), "after");
  EXPECT_EQ(WrongOption(PullerOptions{.page_size = 1001}), "page_size");
  EXPECT_EQ(WrongOption(PullerOptions{.wait = absl::ZeroDuration()}), "wait");
  EXPECT_EQ(WrongOption(PullerOptions{.wait = absl::Seconds(61)}), "wait");
}

}  // namespace
}  // namespace millrace::client
