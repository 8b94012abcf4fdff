#include "server/rpc/export_reactor.h"

#include <algorithm>
#include <list>
#include <memory>
#include <string>

#include "millrace/v1/job_service.grpc.pb.h"
#include "tests/server/rpc/stream_fixture.h"

namespace millrace::rpc {
namespace {

class ExportJobTest : public StreamFixture {
 protected:
  /// One call from the client's side.
  struct Exporter {
    Exporter(v1::JobService::Stub& stub, const std::string& id, const std::string& resume_token = "") {
      v1::ExportJobRequest request;
      request.set_job_id(id);
      request.set_with_input(true);
      request.set_resume_token(resume_token);
      stream = stub.ExportJob(&context, request);
    }
    /// False when none follows.
    bool Read() {
      if (!stream->Read(&last)) return false;
      file += last.data();
      return true;
    }
    grpc::Status ReadAll() {
      while (Read()) {
      }
      return stream->Finish();
    }

    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::ExportJobResponse>> stream;
    v1::ExportJobResponse last;
    std::string file;
  };

  /// Chunks of one record of 700 KiB: a piece holds two.
  void PushLarge(int chunks) { PushChunks(chunks, "{\"n\":\"" + std::string(700 * 1024, 'x') + "\"}\n"); }

  const std::unique_ptr<v1::JobService::Stub> jobs_ = v1::JobService::NewStub(channel_);
};

TEST_F(ExportJobTest, SendsTheFileInPiecesAndSaysThatItIsComplete) {
  PushLarge(5);
  Exporter exporter(*jobs_, id_);
  ASSERT_TRUE(exporter.Read());
  EXPECT_FALSE(exporter.last.ended());
  EXPECT_EQ(exporter.last.records_total(), 5);
  EXPECT_TRUE(exporter.ReadAll().ok());
  EXPECT_TRUE(exporter.last.ended());
  EXPECT_EQ(exporter.last.rows(), 5);
  EXPECT_EQ(std::count(exporter.file.begin(), exporter.file.end(), '\n'), 5);
}

TEST_F(ExportJobTest, AStreamThatBrokeGoesOnBehindItsLastPiece) {
  PushLarge(5);
  Exporter whole(*jobs_, id_);
  ASSERT_TRUE(whole.ReadAll().ok());
  Exporter broken(*jobs_, id_);
  ASSERT_TRUE(broken.Read());
  broken.context.TryCancel();
  Exporter rest(*jobs_, id_, broken.last.resume_token());
  ASSERT_TRUE(rest.ReadAll().ok());
  EXPECT_EQ(broken.file + rest.file, whole.file);
  EXPECT_EQ(rest.last.rows(), 5);
}

TEST_F(ExportJobTest, ClientsThatDoNotReadHoldNobodyUpAndGetItAllLater) {
  PushLarge(12);
  std::list<Exporter> slow;
  for (int i = 0; i < 3 * kExecutorThreads; ++i) ASSERT_TRUE(slow.emplace_back(*jobs_, id_).Read());
  ASSERT_TRUE(PushOne().ok()) << "the executor is free";
  for (Exporter& exporter : slow) {
    EXPECT_TRUE(exporter.ReadAll().ok());
    EXPECT_EQ(exporter.last.rows(), 12);
  }
}

TEST_F(ExportJobTest, AJobThatIsNotThereIsSaid) {
  Exporter none(*jobs_, "none");
  EXPECT_EQ(none.ReadAll().error_code(), grpc::StatusCode::NOT_FOUND);
  Exporter unnamed(*jobs_, "");
  EXPECT_EQ(unnamed.ReadAll().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ExportJobTest, AClientMayGoAndAServerThatShutsDownSaysSo) {
  PushLarge(30);
  {
    Exporter gone(*jobs_, id_);
    ASSERT_TRUE(gone.Read());
    gone.context.TryCancel();
    EXPECT_EQ(gone.ReadAll().error_code(), grpc::StatusCode::CANCELLED);
  }
  Exporter exporter(*jobs_, id_);
  ASSERT_TRUE(exporter.Read());
  // A client that does not read cannot hear of the end, and is cut off.
  server_->Shutdown(absl::ZeroDuration());
  EXPECT_FALSE(exporter.ReadAll().ok());
  EXPECT_FALSE(exporter.last.ended());
}

}  // namespace
}  // namespace millrace::rpc
