#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::MetadataOf;
using model::JobKey;
using model::Reason;
using model::ServiceVersion;
using ::testing::ElementsAre;
using ::testing::SizeIs;

using ::millrace::testing::kTenant;

class CatalogTest : public JobStoreTest {
 protected:
  absl::StatusOr<ServiceVersion> Get(std::string_view service, std::string_view version) {
    return store().GetServiceVersion(kTenant, {std::string(service), std::string(version), ""});
  }
  absl::StatusOr<ServiceVersion> GetById(std::string_view version_id) {
    return store().GetServiceVersion(kTenant, {"", "", std::string(version_id)});
  }
};

TEST_P(CatalogTest, AVersionIsKeptAsItWasGiven) {
  Tick();
  ServiceVersion wanted = ExampleVersion("1.3.0-rc.1", "folder/name");
  wanted.definition = std::string("a: 1\n\0\xff", 7);
  wanted.create_time = At(-5);
  ASSERT_OK_AND_ASSIGN(const ServiceVersion created, store().CreateServiceVersion(wanted));
  wanted.create_time = At(1);
  EXPECT_EQ(Describe(created), Describe(wanted));
  ASSERT_OK_AND_ASSIGN(const ServiceVersion stored, Get("folder/name", "1.3.0-rc.1"));
  EXPECT_EQ(Describe(stored), Describe(wanted));
}

TEST_P(CatalogTest, AllVersionsOfAServiceShareItsId) {
  ASSERT_OK_AND_ASSIGN(const ServiceVersion second, store().CreateServiceVersion(ExampleVersion("2.0.0")));
  EXPECT_EQ(second.service_id, ExampleVersion("1.0.0").service_id);
  EXPECT_EQ(second.version_id, ExampleVersion("2.0.0").version_id);
}

TEST_P(CatalogTest, TheSameVersionAgainIsTheOneThatIsThere) {
  Tick();
  ServiceVersion again = ExampleVersion("1.0.0");
  again.version_id = "another-id";
  again.created_by = "someone else";
  ASSERT_OK_AND_ASSIGN(const ServiceVersion stored, store().CreateServiceVersion(again));
  EXPECT_EQ(stored.version_id, ExampleVersion("1.0.0").version_id);
  EXPECT_EQ(stored.create_time, At(0));
  EXPECT_THAT(GetById("another-id"), IsError(Reason::kServiceVersionNotFound));
}

TEST_P(CatalogTest, AVersionNeverChanges) {
  ServiceVersion other = ExampleVersion("1.0.0");
  other.config_hash = "another-hash";
  EXPECT_THAT(store().CreateServiceVersion(other), IsError(Reason::kServiceVersionTaken));
  ASSERT_OK_AND_ASSIGN(const ServiceVersion stored, Get("demo/double", "1.0.0"));
  EXPECT_EQ(stored.config_hash, ExampleVersion("1.0.0").config_hash);
}

TEST_P(CatalogTest, AVersionIsFoundByItsId) {
  ASSERT_OK_AND_ASSIGN(const ServiceVersion stored, GetById("version-1.0.0"));
  EXPECT_EQ(stored.version, "1.0.0");
  EXPECT_EQ(stored.service, "demo/double");
  EXPECT_THAT(GetById("version-9"), IsError(Reason::kServiceVersionNotFound));
}

TEST_P(CatalogTest, WithoutAVersionTheLatestReleaseIsMeant) {
  for (const std::string version : {"1.10.0", "1.9.0", "2.0.0-rc.1"}) {
    ASSERT_THAT(store().CreateServiceVersion(ExampleVersion(version)), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(const ServiceVersion latest, Get("demo/double", ""));
  EXPECT_EQ(latest.version, "1.10.0");
}

TEST_P(CatalogTest, WithoutReleasesTheHighestPrereleaseIsMeant) {
  for (const std::string version : {"1.0.0-rc.2", "1.0.0-rc.10", "1.0.0-beta"}) {
    ASSERT_THAT(store().CreateServiceVersion(ExampleVersion(version, "demo/new")), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(const ServiceVersion latest, Get("demo/new", ""));
  EXPECT_EQ(latest.version, "1.0.0-rc.10");
}

TEST_P(CatalogTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(Get("demo/none", ""), IsError(Reason::kServiceNotFound));
  EXPECT_THAT(Get("demo/none", "1.0.0"), IsError(Reason::kServiceNotFound));
  const absl::Status missing = Get("demo/double", "9.9.9").status();
  EXPECT_THAT(missing, IsError(Reason::kServiceVersionNotFound));
  EXPECT_EQ(MetadataOf(missing, "latest"), "1.0.0");
  EXPECT_THAT(store().ListServiceVersions(kTenant, "demo/none"), IsError(Reason::kServiceNotFound));
}

TEST_P(CatalogTest, VersionsAreListedHighestFirst) {
  for (const std::string version : {"1.10.0", "1.9.0", "2.0.0-rc.1", "1.10.0-rc.1"}) {
    ASSERT_THAT(store().CreateServiceVersion(ExampleVersion(version)), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<ServiceVersion> versions, store().ListServiceVersions(kTenant, "demo/double"));
  std::vector<std::string> numbers;
  for (const ServiceVersion& version : versions) numbers.push_back(version.version);
  EXPECT_THAT(numbers, ElementsAre("2.0.0-rc.1", "1.10.0", "1.10.0-rc.1", "1.9.0", "1.0.0"));
}

TEST_P(CatalogTest, ServicesAreListedByNameWithTheirLatest) {
  ASSERT_THAT(store().CreateServiceVersion(ExampleVersion("2.0.0", "demo/double")), IsOk());
  ASSERT_THAT(store().CreateServiceVersion(ExampleVersion("0.1.0", "a/z")), IsOk());
  ASSERT_THAT(store().CreateServiceVersion(ExampleVersion("0.1.0", "demo/double-more")), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto page, store().ListServices(kTenant, 100, ""));
  EXPECT_EQ(page.next_token, "");
  ASSERT_THAT(page.items, SizeIs(4));
  EXPECT_EQ(page.items[0].service, "a/z");
  EXPECT_EQ(page.items[1].service, "demo/double");
  EXPECT_EQ(page.items[1].service_id, ExampleVersion("1.0.0").service_id);
  EXPECT_EQ(page.items[1].latest_version, "2.0.0");
  EXPECT_EQ(page.items[1].version_count, 2);
  EXPECT_EQ(page.items[1].description, ExampleVersion("2.0.0").description);
  EXPECT_EQ(page.items[2].service, "demo/double-more");
  EXPECT_EQ(page.items[3].service, "millrace/jobs") << "which every tenant has";
}

TEST_P(CatalogTest, ServicesComeInPages) {
  for (const std::string name : {"a/b", "a/c", "b/a", "demo/triple"}) {
    ASSERT_THAT(store().CreateServiceVersion(ExampleVersion("1.0.0", name)), IsOk());
  }
  for (int32_t page_size = 1; page_size <= 6; ++page_size) {
    std::vector<std::string> names;
    std::string token;
    do {
      ASSERT_OK_AND_ASSIGN(const auto page, store().ListServices(kTenant, page_size, token));
      for (const model::ServiceSummary& service : page.items) names.push_back(service.service);
      EXPECT_FALSE(page.items.empty());
      token = page.next_token;
    } while (!token.empty());
    EXPECT_THAT(names, ElementsAre("a/b", "a/c", "b/a", "demo/double", "demo/triple", "millrace/jobs")) << page_size;
  }
  EXPECT_THAT(store().ListServices(kTenant, 10, "?"), IsError(Reason::kPageTokenInvalid));
}

TEST_P(CatalogTest, TenantsDoNotSeeEachOther) {
  EXPECT_THAT(store().GetServiceVersion("other", {.service = "demo/double"}), IsError(Reason::kServiceNotFound));
  EXPECT_THAT(store().GetServiceVersion("other", {.version_id = "version-1.0.0"}),
              IsError(Reason::kServiceVersionNotFound));
  EXPECT_THAT(store().ListServiceVersions("other", "demo/double"), IsError(Reason::kServiceNotFound));
  ASSERT_OK_AND_ASSIGN(const auto page, store().ListServices("other", 10, ""));
  EXPECT_THAT(page.items, SizeIs(1)) << "the built-in one";
}

TEST_P(CatalogTest, ADeletedVersionIsGone) {
  ASSERT_THAT(store().CreateServiceVersion(ExampleVersion("2.0.0")), IsOk());
  ASSERT_THAT(store().DeleteServiceVersion(kTenant, {.service = "demo/double", .version = "2.0.0"}), IsOk());
  EXPECT_THAT(Get("demo/double", "2.0.0"), IsError(Reason::kServiceVersionNotFound));
  EXPECT_THAT(GetById("version-2.0.0"), IsError(Reason::kServiceVersionNotFound));
  ASSERT_OK_AND_ASSIGN(const ServiceVersion latest, Get("demo/double", ""));
  EXPECT_EQ(latest.version, "1.0.0");
  EXPECT_THAT(store().DeleteServiceVersion(kTenant, {.version_id = "version-2.0.0"}),
              IsError(Reason::kServiceVersionNotFound));
}

TEST_P(CatalogTest, AServiceGoesWithItsLastVersion) {
  ASSERT_THAT(store().DeleteServiceVersion(kTenant, {.version_id = "version-1.0.0"}), IsOk());
  EXPECT_THAT(Get("demo/double", ""), IsError(Reason::kServiceNotFound));
  EXPECT_THAT(store().ListServiceVersions(kTenant, "demo/double"), IsError(Reason::kServiceNotFound));
  ASSERT_OK_AND_ASSIGN(const auto page, store().ListServices(kTenant, 10, ""));
  EXPECT_THAT(page.items, SizeIs(1)) << "the built-in one";
  ServiceVersion anew = ExampleVersion("1.0.0");
  anew.service_id = "new-service";
  anew.config_hash = "new-hash";
  ASSERT_OK_AND_ASSIGN(const ServiceVersion created, store().CreateServiceVersion(anew));
  EXPECT_EQ(created.service_id, "new-service");
}

TEST_P(CatalogTest, AVersionThatUnfinishedJobsNeedStays) {
  const JobKey first = Create("job-1")->key();
  const JobKey second = Create("job-2")->key();
  const absl::Status two = store().DeleteServiceVersion(kTenant, {.version_id = "version-1.0.0"});
  EXPECT_THAT(two, IsError(Reason::kServiceVersionInUse));
  EXPECT_EQ(MetadataOf(two, "job_count"), "2");
  ASSERT_THAT(store().CloseJob(first), IsOk());
  const absl::Status one = store().DeleteServiceVersion(kTenant, {.version_id = "version-1.0.0"});
  EXPECT_EQ(MetadataOf(one, "job_count"), "1");
  EXPECT_EQ(MetadataOf(one, "pipeline_id"), "job-2");
  EXPECT_THAT(Get("demo/double", "1.0.0"), IsOk());
  ASSERT_THAT(store().CancelJob(second, "", true), IsOk());
  EXPECT_THAT(store().DeleteServiceVersion(kTenant, {.version_id = "version-1.0.0"}), IsOk());
  EXPECT_THAT(store().GetJob(first), IsOk()) << "jobs that ran under it stay";
}

TEST_P(CatalogTest, DeletingWhatIsNotThereSaysSo) {
  EXPECT_THAT(store().DeleteServiceVersion(kTenant, {.service = "demo/none", .version = "1.0.0"}),
              IsError(Reason::kServiceNotFound));
  EXPECT_THAT(store().DeleteServiceVersion(kTenant, {.service = "demo/double", .version = "9.0.0"}),
              IsError(Reason::kServiceVersionNotFound));
  EXPECT_THAT(store().DeleteServiceVersion("other", {.version_id = "version-1.0.0"}),
              IsError(Reason::kServiceVersionNotFound));
}

INSTANTIATE_TEST_SUITE_P(Stores, CatalogTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
