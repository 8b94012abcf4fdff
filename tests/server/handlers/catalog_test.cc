#include <gmock/gmock.h>

#include <string>

#include "storage/model/built_in.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::HasSubstr;
using testing::IsError;
using testing::IsOk;

class CatalogTest : public HandlersFixture {
 protected:
  absl::StatusOr<v1::ServiceVersion> Create(const std::string& definition) {
    v1::CreateServiceVersionRequest request;
    request.set_definition(definition);
    return CreateServiceVersion(request, call_, deps_);
  }

  static std::string Versioned(const std::string& version, const std::string& lua = "n * 2") {
    return "{service: demo/doubler, version: " + version + ", inputs: {n: {type: number}}, nodes: {twice: {lua: \"" +
           lua + "\"}}, outputs: [twice]}";
  }
};

TEST_F(CatalogTest, AVersionShowsItsNodesInRunOrder) {
  ASSERT_OK_AND_ASSIGN(const v1::ServiceVersion version,
                       Create("{service: demo/chain, version: 1.0.0, inputs: {n: {type: number}}, "
                              "nodes: {a: {lua: b + 1}, b: {lua: n * 2}}, outputs: [a]}"));
  ASSERT_EQ(version.nodes_size(), 2);
  EXPECT_EQ(version.nodes(0).name(), "b");
  EXPECT_EQ(version.nodes(1).depends_on(0), "b");
  EXPECT_EQ(version.inputs(0).type(), "number");
  EXPECT_EQ(version.service_uri(), "demo/chain[1.0.0]");
}

TEST_F(CatalogTest, TheSameDefinitionAgainReturnsTheVersionThatIsThere) {
  ASSERT_OK_AND_ASSIGN(const v1::ServiceVersion first, Create(Versioned("1.0.0")));
  ASSERT_OK_AND_ASSIGN(const v1::ServiceVersion second, Create(Versioned("1.0.0")));
  EXPECT_EQ(first.version_id(), second.version_id());
}

TEST_F(CatalogTest, AVersionNeverChanges) {
  ASSERT_THAT(Create(Versioned("1.0.0")), IsOk());
  EXPECT_THAT(Create(Versioned("1.0.0", "n * 3")), IsError(Reason::kServiceVersionTaken));
}

TEST_F(CatalogTest, BadDefinitionsAreRefusedWithTheirPlace) {
  struct Case {
    const char* definition;
    const char* mentions;
  };
  for (const Case& bad : {
           Case{"", "definition"},
           Case{"{service: demo/x, version: 1.0.0, nodes: {a: {lua: b}, b: {lua: a}}, outputs: [a]}", "a -> b -> a"},
           Case{"{service: demo/x, version: 1.0.0, nodes: {a: {lua: nobody + 1}}, outputs: [a]}", "nobody"},
           Case{"{service: demo/x, version: 1.0.0, nodes: {a: {lua: '1 +'}}, outputs: [a]}", "a"},
           Case{"{service: demo/x, version: 1.0.0, nodes: {a: {lua: 'os.exit()'}}, outputs: [a]}", "os"},
           Case{"{service: demo/x, version: one, nodes: {a: {lua: '1'}}, outputs: [a]}", "version"},
           Case{"{service: demo, version: 1.0.0, nodes: {a: {lua: '1'}}, outputs: [a]}", "service"},
           Case{"{service: demo/x, version: 1.0.0, nodes: {a: {lua: '1'}}, outputs: [b]}", "b"},
           Case{"{service: demo/x, version: 1.0.0, nods: {}, outputs: [b]}", "nods"},
           Case{"{{{", ""},
       }) {
    const absl::Status status = Create(bad.definition).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad.definition;
    EXPECT_NE(std::string(status.message()).find(bad.mentions), std::string::npos) << status;
  }
}

TEST_F(CatalogTest, VersionsAreListedHighestFirstInPages) {
  for (const char* version : {"1.2.0", "1.10.0", "1.10.0-rc.1", "0.9.0"})
    ASSERT_THAT(Create(Versioned(version)), IsOk());
  v1::ListServiceVersionsRequest request;
  request.set_service("demo/doubler");
  request.set_page_size(3);
  ASSERT_OK_AND_ASSIGN(const v1::ListServiceVersionsResponse first, ListServiceVersions(request, call_, deps_));
  ASSERT_EQ(first.versions_size(), 3);
  EXPECT_EQ(first.versions(0).version(), "1.10.0");
  EXPECT_EQ(first.versions(1).version(), "1.10.0-rc.1");
  EXPECT_TRUE(first.versions(0).definition().empty());
  request.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(const v1::ListServiceVersionsResponse second, ListServiceVersions(request, call_, deps_));
  ASSERT_EQ(second.versions_size(), 1);
  EXPECT_EQ(second.versions(0).version(), "0.9.0");
  EXPECT_TRUE(second.next_page_token().empty());
  request.set_page_token("rubbish");
  EXPECT_THAT(ListServiceVersions(request, call_, deps_), IsError(Reason::kPageTokenInvalid));
}

TEST_F(CatalogTest, AVersionThatAnUnfinishedJobNeedsStays) {
  const std::string id = CreateDoublerPipeline();
  v1::DeleteServiceVersionRequest request;
  request.set_service("demo/doubler");
  EXPECT_EQ(FieldOf(DeleteServiceVersion(request, call_, deps_).status()), "service") << "no version was named";
  request.set_service("demo/doubler[1.0.0]");
  const absl::Status refused = DeleteServiceVersion(request, call_, deps_).status();
  EXPECT_THAT(refused, IsError(Reason::kServiceVersionInUse));
  EXPECT_EQ(testing::MetadataOf(refused, "pipeline_id"), id);
  v1::ClosePipelineRequest close;
  close.set_pipeline_id(id);
  ASSERT_THAT(ClosePipeline(close, call_, deps_), IsOk());
  EXPECT_THAT(DeleteServiceVersion(request, call_, deps_), IsOk());
  EXPECT_THAT(DeleteServiceVersion(request, call_, deps_), IsError(Reason::kServiceNotFound));
}

TEST_F(CatalogTest, TestServiceRunsRecordsAndStoresNothing) {
  v1::TestServiceRequest request;
  request.set_definition(Versioned("1.0.0"));
  request.mutable_inputs()->set_json_lines("{\"n\":4}\n{\"n\":\"x\"}\n");
  v1::Aggregation& sum = *request.mutable_summary()->add_aggregations();
  sum.set_output_name("twice");
  sum.set_operator_(v1::SUM);
  request.mutable_summary()->set_ignore_error(true);
  ASSERT_OK_AND_ASSIGN(const v1::TestServiceResponse response, TestService(request, call_, deps_));
  EXPECT_EQ(response.result().json_lines(), "{\"twice\":8}\nnull\n");
  EXPECT_EQ(response.result().outputs(0).struct_value().fields().at("twice").number_value(), 8);
  EXPECT_EQ(response.result().errors(0).code(), core::record_code::kInputType);
  EXPECT_EQ(response.result().summary(0).value(), 8);
  EXPECT_EQ(response.nodes(0).success_count(), 1);
  v1::ListServicesResponse services = *ListServices({}, call_, deps_);
  EXPECT_EQ(services.services_size(), 1) << "nothing but the built-in one";
}

TEST_F(CatalogTest, TestServiceShowsQuestionsAndLabels) {
  v1::TestServiceRequest request;
  request.set_definition(R"yaml(
service: demo/asking
version: 1.0.0
inputs: {n: {type: number}}
nodes: {m: {lua: "count('SEEN') if n > 9 then hold('right?') end return n"}}
outputs: [m]
)yaml");
  request.mutable_inputs()->set_json_lines("{\"n\":4}\n{\"n\":50}\n{\"n\":5}\n");
  ASSERT_OK_AND_ASSIGN(const v1::TestServiceResponse response, TestService(request, call_, deps_));
  EXPECT_EQ(response.nodes(0).hold_count(), 1);
  EXPECT_EQ(response.result().errors(0).code(), core::record_code::kHeld);
  ASSERT_EQ(response.labels_size(), 1);
  EXPECT_EQ(response.labels(0).label(), "SEEN");
  EXPECT_EQ(response.labels(0).count(), 2);
}

TEST_F(CatalogTest, TestServiceTakesAStoredVersionOrADefinitionNotBoth) {
  v1::TestServiceRequest request;
  request.mutable_inputs()->set_json_lines("{\"n\":4}\n");
  EXPECT_EQ(FieldOf(TestService(request, call_, deps_).status()), "service");
  CreateService();
  request.set_service("demo/doubler");
  request.mutable_inputs()->set_json_lines("{\"n\":4}\n");
  EXPECT_THAT(TestService(request, call_, deps_), IsOk());
  request.set_definition(kDoubler);
  EXPECT_EQ(FieldOf(TestService(request, call_, deps_).status()), "service");
}

TEST_F(CatalogTest, TestServiceRefusesTheServiceThatTheServerRunsItself) {
  v1::TestServiceRequest request;
  request.mutable_inputs()->set_json_lines("{\"service\":\"demo/doubler\"}\n");
  for (const std::string& service : {std::string(model::kJobsService), model::JobsService().version_id}) {
    request.set_service(service);
    const absl::Status refused = TestService(request, call_, deps_).status();
    EXPECT_EQ(FieldOf(refused), "service") << service;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("no code to test"));
  }
}

}  // namespace
}  // namespace millrace::handlers
