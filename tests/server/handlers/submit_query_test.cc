// SubmitJob with a query: what the database says of it is said to the caller.
#include <gmock/gmock.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "tests/server/handlers/handlers_fixture.h"
#include "tests/server/queries/databases/test_databases.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::handlers {
namespace {

using ::millrace::testing::IsError;
using model::Reason;
using ::testing::HasSubstr;

class SubmitQueryTest : public HandlersFixture {
 protected:
  SubmitQueryTest() {
    CreateService();
    testing::RunSqlite(folder_.path() / "lite.db", "CREATE TABLE t (n INTEGER PRIMARY KEY, a TEXT)");
    std::ofstream(folder_.path() / "connections.yaml")
        << "lite: {sqlite: " << (folder_.path() / "lite.db").string() << "}\n"
        << "gone: {sqlite: " << (folder_.path() / "gone.db").string() << "}\n";
    connections_ = *queries::Connections::Read(folder_.path() / "connections.yaml");
  }

  static v1::SubmitJobRequest Query(const std::string& query, const std::vector<std::string>& keys = {"n"}) {
    v1::SubmitJobRequest request;
    request.set_service("demo/doubler");
    v1::QuerySource& source = *request.mutable_source()->mutable_query();
    source.set_connection("lite");
    source.set_query(query);
    for (const std::string& key : keys) source.add_key_columns(key);
    return request;
  }

  absl::StatusOr<v1::Job> Submit(v1::SubmitJobRequest request) {
    Deps deps = deps_;
    deps.source_connections = &connections_;
    return SubmitJob(request, call_, deps);
  }

  /// The field that is wrong; `message` is what is said of it.
  std::string WrongIn(const v1::SubmitJobRequest& request, const std::string& message) {
    const absl::Status status = Submit(request).status();
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid));
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
    return FieldOf(status);
  }

  const harness::TemporaryFolder folder_;
  queries::Connections connections_;
};

TEST_F(SubmitQueryTest, AJobHasItsQueryAndNoTotal) {
  v1::SubmitJobRequest request = Query("SELECT n, a FROM t", {"n", "a"});
  request.set_estimated_records(7);
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Submit(request));
  EXPECT_EQ(job.source().query().connection(), "lite");
  EXPECT_EQ(job.source().query().query(), "SELECT n, a FROM t");
  EXPECT_THAT(job.source().query().key_columns(), ::testing::ElementsAre("n", "a"));
  EXPECT_FALSE(job.source_progress().total_known());
  EXPECT_EQ(job.source_progress().total_records(), 7);
  EXPECT_EQ(job.source_progress().bytes_read(), 0);
}

TEST_F(SubmitQueryTest, WhatIsWrongIsSaidAtOnce) {
  EXPECT_EQ(WrongIn(Query("SELECT n FORM t"), "syntax error"), "source.query.query");
  EXPECT_EQ(WrongIn(Query("SELECT n FROM nobody"), "no such table: nobody"), "source.query.query");
  EXPECT_EQ(WrongIn(Query("DELETE FROM t"), "queries only read"), "source.query.query");
  EXPECT_EQ(WrongIn(Query(""), "expected 1 to 16384 bytes"), "source.query.query");
  EXPECT_EQ(WrongIn(Query(std::string(model::kSourceQueryBytesMax + 1, 'x')), "got 16385"), "source.query.query");
  EXPECT_EQ(WrongIn(Query(std::string("SELECT 1\0", 9)), "zero byte"), "source.query.query");
  EXPECT_EQ(WrongIn(Query("SELECT n FROM t", {"m"}), "no column 'm'; it has n"), "source.query.key_columns");
  EXPECT_EQ(WrongIn(Query("SELECT n FROM t", {}), "expected 1 to 16 columns"), "source.query.key_columns");
}

TEST_F(SubmitQueryTest, OnlyAFewCallsWaitForADatabaseAtOnce) {
  std::vector<std::shared_ptr<void>> places;
  for (int i = 0; i < queries::Connections::kWaitingCallsMax; ++i) places.push_back(connections_.TakePlace());
  EXPECT_NE(places.back(), nullptr);
  EXPECT_EQ(connections_.TakePlace(), nullptr);
  EXPECT_THAT(Submit(Query("SELECT n FROM t")), IsError(Reason::kServerBusy));
  places.pop_back();
  EXPECT_THAT(Submit(Query("SELECT n FROM t")), testing::IsOk());
}

TEST_F(SubmitQueryTest, AFileThatIsNoDatabaseIsTheFaultOfTheConnection) {
  std::ofstream(folder_.path() / "gone.db") << std::string(4'096, 'x');
  v1::SubmitJobRequest request = Query("SELECT n FROM t");
  request.mutable_source()->mutable_query()->set_connection("gone");
  EXPECT_EQ(WrongIn(request, "file is not a database"), "source.query.connection");
}

TEST_F(SubmitQueryTest, ACommentMayStandBehindTheEnd) {
  for (const char* query : {"SELECT n FROM t;", "SELECT n FROM t; -- all of them",
                            "SELECT n FROM t -- all; of\n ;\n/* them; */ ", "SELECT n, ';' AS c FROM t"}) {
    EXPECT_THAT(Submit(Query(query)), testing::IsOk()) << query;
  }
  EXPECT_EQ(WrongIn(Query("SELECT n FROM t; SELECT 2 AS n"), "more than one statement"), "source.query.query");
}

TEST_F(SubmitQueryTest, AConnectionIsNamedByTheServer) {
  v1::SubmitJobRequest request = Query("SELECT n FROM t");
  request.mutable_source()->mutable_query()->set_connection("nobody");
  const absl::Status missing = Submit(request).status();
  EXPECT_THAT(missing, IsError(Reason::kSourceConnectionNotFound));
  EXPECT_THAT(std::string(missing.message()), HasSubstr("no connection 'nobody'; it has gone, lite"));
  request.mutable_source()->mutable_query()->set_connection("gone");
  EXPECT_THAT(Submit(request), IsError(Reason::kSourceConnectionFailed));
  const absl::Status refused = SubmitJob(request, call_, deps_).status();
  EXPECT_THAT(refused, IsError(Reason::kSourceConnectionsNotEnabled));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("--source-connections"));
}

}  // namespace
}  // namespace millrace::handlers
