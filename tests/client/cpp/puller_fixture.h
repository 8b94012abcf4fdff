// A puller over a connection that answers what a test says.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client/cpp/mocks/mock_connection.h"
#include "client/cpp/puller.h"
#include "tests/client/cpp/fixtures.h"

namespace millrace::client {

class PullerFixture : public ::testing::Test {
 protected:
  Puller Make(PullerOptions options = {}) { return Puller(Client(connection_), std::string(kPipelineId), options); }

  /// The number of the next result; 0 at the end, -1 for an error.
  static int64_t NextOf(Puller& puller) {
    const absl::StatusOr<std::optional<v1::ChunkResult>> result = puller.Next();
    if (!result.ok()) return -1;
    return result->has_value() ? (*result)->number() : 0;
  }

  std::shared_ptr<::testing::StrictMock<MockConnection>> connection_ =
      std::make_shared<::testing::StrictMock<MockConnection>>();
};

}  // namespace millrace::client
