#include "client/cpp/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cpp/mocks/mock_connection.h"
#include "tests/support/status_matchers.h"

namespace millrace::client {
namespace {

using ::millrace::testing::IsOk;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Return;
using ::testing::StrictMock;

v1::ListJobsResponse JobPage(const std::vector<std::string>& ids, const std::string& next_page_token) {
  v1::ListJobsResponse page;
  for (const std::string& id : ids) page.add_jobs()->set_id(id);
  page.set_next_page_token(next_page_token);
  return page;
}

MATCHER_P(HasToken, token, "") { return arg.page_token() == token; }

class PagingTest : public ::testing::Test {
 protected:
  // The ids of all jobs up to the end or the first error, which `status_` keeps.
  std::vector<std::string> IdsOf(Paginated<v1::Job> jobs) {
    std::vector<std::string> ids;
    status_ = jobs.ForEach([&ids](const v1::Job& job) {
      ids.push_back(job.id());
      return absl::OkStatus();
    });
    return ids;
  }

  std::shared_ptr<StrictMock<MockConnection>> connection_ = std::make_shared<StrictMock<MockConnection>>();
  Client client_{connection_};
  absl::Status status_;
};

TEST_F(PagingTest, AllPagesAreOneRange) {
  EXPECT_CALL(*connection_, ListJobs(HasToken(""), _)).WillOnce(Return(JobPage({"a", "b"}, "t1")));
  EXPECT_CALL(*connection_, ListJobs(HasToken("t1"), _)).WillOnce(Return(JobPage({}, "t2")));
  EXPECT_CALL(*connection_, ListJobs(HasToken("t2"), _)).WillOnce(Return(JobPage({"c"}, "")));
  EXPECT_THAT(IdsOf(client_.AllJobs()), ElementsAre("a", "b", "c"));
  EXPECT_THAT(status_, IsOk());
}

TEST_F(PagingTest, TheRequestGoesWithEveryPage) {
  v1::ListJobsRequest request;
  request.set_service("folder/name");
  request.set_page_size(2);
  request.set_page_token("start");
  std::vector<std::string> tokens;
  EXPECT_CALL(*connection_, ListJobs).Times(2).WillRepeatedly([&](const v1::ListJobsRequest& seen, const CallOptions&) {
    EXPECT_EQ(seen.service(), "folder/name");
    EXPECT_EQ(seen.page_size(), 2);
    tokens.push_back(seen.page_token());
    return JobPage({"a"}, tokens.size() == 1 ? "t1" : "");
  });
  IdsOf(client_.AllJobs(request));
  EXPECT_THAT(tokens, ElementsAre("start", "t1"));
}

TEST_F(PagingTest, AnErrorIsTheLastElement) {
  EXPECT_CALL(*connection_, ListJobs(HasToken(""), _)).WillOnce(Return(JobPage({"a"}, "t1")));
  EXPECT_CALL(*connection_, ListJobs(HasToken("t1"), _)).WillOnce(Return(absl::InternalError("broken")));
  std::vector<bool> ok;
  for (const absl::StatusOr<v1::Job>& job : client_.AllJobs()) ok.push_back(job.ok());
  EXPECT_THAT(ok, ElementsAre(true, false));
}

TEST_F(PagingTest, AnErrorOfTheFirstPageIsTheOnlyElement) {
  EXPECT_CALL(*connection_, ListJobs).WillOnce(Return(absl::InternalError("broken")));
  EXPECT_THAT(IdsOf(client_.AllJobs()), IsEmpty());
  EXPECT_EQ(status_.message(), "broken");
}

TEST_F(PagingTest, PagesAreLoadedOnlyWhenNeeded) {
  EXPECT_CALL(*connection_, ListJobs).WillOnce(Return(JobPage({"a", "b"}, "t1")));
  Paginated<v1::Job> jobs = client_.AllJobs();
  const absl::Status status = jobs.ForEach(
      [](const v1::Job& job) { return job.id() == "b" ? absl::AbortedError("enough") : absl::OkStatus(); });
  EXPECT_EQ(status.message(), "enough");
}

TEST_F(PagingTest, ARepeatedTokenEndsTheRangeWithAnError) {
  EXPECT_CALL(*connection_, ListJobs).Times(2).WillRepeatedly(Return(JobPage({"a"}, "same")));
  EXPECT_THAT(IdsOf(client_.AllJobs()), ElementsAre("a"));
  EXPECT_EQ(status_.code(), absl::StatusCode::kInternal);
}

TEST_F(PagingTest, EveryListHasARange) {
  v1::ListServicesResponse services;
  services.add_services()->set_service("f/a");
  EXPECT_CALL(*connection_, ListServices).WillOnce(Return(services));
  EXPECT_EQ((*client_.AllServices().begin())->service(), "f/a");

  v1::ListServiceVersionsResponse versions;
  versions.add_versions()->set_version("1.0.0");
  EXPECT_CALL(*connection_, ListServiceVersions).WillOnce(Return(versions));
  EXPECT_EQ((*client_.AllServiceVersions({}).begin())->version(), "1.0.0");

  v1::ListExceptionsResponse exceptions;
  exceptions.add_exceptions()->set_id("1-0");
  EXPECT_CALL(*connection_, ListExceptions).WillOnce(Return(exceptions));
  EXPECT_EQ((*client_.AllExceptions({}).begin())->id(), "1-0");

  v1::ListExceptionGroupsResponse groups;
  groups.add_groups()->set_count(3);
  EXPECT_CALL(*connection_, ListExceptionGroups).WillOnce(Return(groups));
  EXPECT_EQ((*client_.AllExceptionGroups({}).begin())->count(), 3);
}

}  // namespace
}  // namespace millrace::client
