#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "client/cpp/mocks/fake_stream.h"
#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::InSequence;
using ::testing::Return;
using ::testing::StrictMock;

class ExportCommandTest : public CliFixture {
 protected:
  static v1::ExportJobResponse Piece(const std::string& data, const std::string& token, bool ended = false) {
    v1::ExportJobResponse piece;
    piece.set_data(data);
    piece.set_rows(2);
    piece.set_records_passed(1);
    piece.set_records_total(2);
    piece.set_resume_token(token);
    piece.set_ended(ended);
    return piece;
  }

  /// The next export is one of these pieces, and ends so.
  void ExpectExport(const std::string& token, const std::vector<v1::ExportJobResponse>& pieces, absl::Status end,
                    v1::ExportFormat format = v1::EXPORT_FORMAT_JSON_LINES) {
    EXPECT_CALL(*connection_, ExportJob).WillOnce([=](const v1::ExportJobRequest& request, const auto&) {
      EXPECT_EQ(request.job_id(), "j");
      EXPECT_EQ(request.resume_token(), token);
      EXPECT_EQ(request.format(), format);
      client::FakeExport server;
      for (const v1::ExportJobResponse& piece : pieces) server.Answer(piece);
      server.End(end);
      return server.Call();
    });
  }

  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(ExportCommandTest, PiecesBecomeTheFile) {
  ExpectExport("", {Piece("{\"id\":\"1-0\"}\n", "a"), Piece("{\"id\":\"1-1\"}\n", "b", true)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "export", "j", "--output", Path("job.jsonl")}, connection_), 0) << err();
  EXPECT_EQ(ReadFile("job.jsonl"), "{\"id\":\"1-0\"}\n{\"id\":\"1-1\"}\n");
  EXPECT_THAT(err(), HasSubstr("2 records exported to "));
}

TEST_F(ExportCommandTest, TheNameOfTheFileSaysTheFormatUnlessItIsGiven) {
  ExpectExport("", {Piece("a\n", "a", true)}, absl::OkStatus(), v1::EXPORT_FORMAT_CSV);
  EXPECT_EQ(Run({"jobs", "export", "j", "--output", Path("job.CSV")}, connection_), 0) << err();
  ExpectExport("", {Piece("a\n", "a", true)}, absl::OkStatus(), v1::EXPORT_FORMAT_JSON_LINES);
  EXPECT_EQ(Run({"jobs", "export", "j", "--output", Path("job.csv"), "--format", "jsonl"}, connection_), 0) << err();
  ExpectExport("", {Piece("a\n", "a", true)}, absl::OkStatus(), v1::EXPORT_FORMAT_CSV);
  EXPECT_EQ(Run({"jobs", "export", "j", "--format", "csv"}, connection_), 0) << err();
  EXPECT_EQ(Run({"jobs", "export", "j", "--format", "xml"}, connection_), 2);
}

TEST_F(ExportCommandTest, OptionsAreSent) {
  EXPECT_CALL(*connection_, ExportJob).WillOnce([](const v1::ExportJobRequest& request, const auto&) {
    EXPECT_THAT(request.states(), ::testing::ElementsAre(v1::RECORD_STATE_FAILED, v1::RECORD_STATE_DISCARDED));
    EXPECT_TRUE(request.with_input());
    EXPECT_TRUE(request.with_place());
    client::FakeExport server;
    server.Answer(Piece("", "a", true));
    server.End(absl::OkStatus());
    return server.Call();
  });
  EXPECT_EQ(Run({"jobs", "export", "j", "--state", "failed", "--state", "DISCARDED", "--with-input", "--with-place"},
                connection_),
            0)
      << err();
}

TEST_F(ExportCommandTest, GoesOnBehindTheLastPieceWhenTheServerIsBack) {
  const InSequence sequence;
  ExpectExport("", {Piece("1\n", "a")}, absl::UnavailableError("gone"));
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(v1::Job()));
  ExpectExport("a", {}, absl::ResourceExhaustedError("busy"));
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(v1::Job()));
  ExpectExport("a", {Piece("2\n", "b", true)}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "export", "j", "--output", Path("job.jsonl")}, connection_), 0) << err();
  EXPECT_EQ(ReadFile("job.jsonl"), "1\n2\n");
  EXPECT_EQ(timer_.Elapsed(), absl::Seconds(2));
}

TEST_F(ExportCommandTest, HalfAFileIsNotTakenForAWholeOne) {
  ExpectExport("", {Piece("1\n", "a")}, absl::NotFoundError("the job is gone"));
  EXPECT_EQ(Run({"jobs", "export", "j", "--output", Path("job.jsonl")}, connection_), 1);
  EXPECT_FALSE(Exists("job.jsonl"));
  EXPECT_THAT(err(), HasSubstr("the job was not exported"));
  ExpectExport("", {Piece("1\n", "a")}, absl::OkStatus());
  EXPECT_EQ(Run({"jobs", "export", "j", "--output", Path("job.jsonl")}, connection_), 1);
  EXPECT_FALSE(Exists("job.jsonl"));
}

TEST_F(ExportCommandTest, ADiskThatIsFullIsNotTakenForABusyServer) {
  ExpectExport("", {Piece(std::string(2 << 20, 'x'), "a")}, absl::ResourceExhaustedError("busy"));
  std::filesystem::create_symlink("/dev/full", Path("job.jsonl.partial"));
  EXPECT_EQ(Run({"jobs", "export", "j", "--output", Path("job.jsonl")}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("job.jsonl.partial"));
}

}  // namespace
}  // namespace millrace::cli
