// What a person does with grpcurl: learn the API from the server itself, type JSON, read JSON.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <set>

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "tests/e2e/e2e_fixture.h"

namespace millrace::e2e {
namespace {

namespace reflection = grpc::reflection::v1alpha;

/// Knows nothing of Millrace but an address: every type comes from the server.
class ReflectionTest : public E2eFixture {
 protected:
  ReflectionTest() {
    StartServer();
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  }

  reflection::ServerReflectionResponse Ask(const reflection::ServerReflectionRequest& request) {
    grpc::ClientContext context;
    auto stream = reflection::ServerReflection::NewStub(channel_)->ServerReflectionInfo(&context);
    reflection::ServerReflectionResponse response;
    stream->Write(request);
    stream->Read(&response);
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    return response;
  }

  std::set<std::string> ListServices() {
    reflection::ServerReflectionRequest request;
    request.set_list_services("*");
    std::set<std::string> names;
    const reflection::ServerReflectionResponse response = Ask(request);
    for (const auto& service : response.list_services_response().service()) names.insert(service.name());
    return names;
  }

  /// Loads the file that declares a symbol, and all it imports.
  void Load(const std::string& symbol) {
    reflection::ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    const reflection::ServerReflectionResponse response = Ask(request);
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      ASSERT_TRUE(file.ParseFromString(bytes));
      LoadFile(file);
    }
  }

  void LoadFile(const google::protobuf::FileDescriptorProto& file) {
    if (pool_.FindFileByName(file.name()) != nullptr) return;
    for (const std::string& import : file.dependency()) {
      if (pool_.FindFileByName(import) != nullptr) continue;
      reflection::ServerReflectionRequest request;
      request.set_file_by_filename(import);
      const reflection::ServerReflectionResponse response = Ask(request);
      for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
        google::protobuf::FileDescriptorProto imported;
        ASSERT_TRUE(imported.ParseFromString(bytes));
        LoadFile(imported);
      }
    }
    ASSERT_NE(pool_.BuildFile(file), nullptr) << file.name();
  }

  /// `Service/Method` with JSON in and JSON out.
  std::string Call(const std::string& service, const std::string& method, const std::string& json) {
    Load(service);
    const google::protobuf::ServiceDescriptor* descriptor = pool_.FindServiceByName(service);
    if (descriptor == nullptr) return "no service " + service;
    const google::protobuf::MethodDescriptor& call = *descriptor->FindMethodByName(method);
    std::unique_ptr<google::protobuf::Message> request(factory_.GetPrototype(call.input_type())->New());
    const auto parsed = google::protobuf::util::JsonStringToMessage(json, request.get());
    if (!parsed.ok()) return "bad JSON: " + parsed.ToString();

    const grpc::Slice slice(request->SerializeAsString());
    const grpc::ByteBuffer bytes(&slice, 1);
    grpc::ByteBuffer reply;
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    auto rpc = grpc::GenericStub(channel_).PrepareUnaryCall(&context, "/" + service + "/" + method, bytes, &queue);
    rpc->StartCall();
    grpc::Status status;
    rpc->Finish(&reply, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    if (!status.ok()) return "error: " + status.error_message();

    grpc::Slice flat;
    EXPECT_TRUE(reply.DumpToSingleSlice(&flat).ok());
    std::unique_ptr<google::protobuf::Message> response(factory_.GetPrototype(call.output_type())->New());
    EXPECT_TRUE(response->ParseFromArray(flat.begin(), static_cast<int>(flat.size())));
    std::string text;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(*response, &text).ok());
    return text;
  }

  std::shared_ptr<grpc::Channel> channel_;
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_{&pool_};
};

TEST_F(ReflectionTest, TheServerListsItsServices) {
  const std::set<std::string> services = ListServices();
  for (const char* name : {"millrace.v1.PipelineService", "millrace.v1.JobService", "millrace.v1.ScheduleService",
                           "millrace.v1.ExceptionService", "millrace.v1.CatalogService", "millrace.v1.AdminService",
                           "grpc.health.v1.Health"}) {
    EXPECT_TRUE(services.contains(name)) << name;
  }
}

TEST_F(ReflectionTest, APersonCanPushAndPullStructRecords) {
  const std::string pipelines = "millrace.v1.PipelineService";
  const std::string created =
      Call("millrace.v1.CatalogService", "CreateServiceVersion",
           R"({"definition": "{service: demo/double, version: 1.0.0, inputs: {n: {type: number}},)"
           R"( nodes: {twice: {lua: n * 2}}, outputs: [twice]}"})");
  EXPECT_NE(created.find("demo/double[1.0.0]"), std::string::npos) << created;
  Call(pipelines, "CreatePipeline", R"({"service": "demo/double", "pipelineId": "by-hand"})");
  const std::string pushed =
      Call(pipelines, "Push", R"({"pipelineId": "by-hand", "inputs": {"structs": [{"n": 21}, {"n": "x"}]}})");
  EXPECT_NE(pushed.find("\"recordCount\":2"), std::string::npos) << pushed;
  const std::string pulled =
      Call(pipelines, "Pull", R"({"pipelineId": "by-hand", "wait": "30s", "encoding": "RESULT_ENCODING_STRUCT"})");
  EXPECT_NE(pulled.find(R"("outputs":[{"twice":42},null])"), std::string::npos) << pulled;
  EXPECT_NE(pulled.find("INPUT_TYPE"), std::string::npos) << pulled;
  const std::string closed = Call(pipelines, "ClosePipeline", R"({"pipelineId": "by-hand"})");
  EXPECT_NE(closed.find("JOB_STATE_COMPLETED"), std::string::npos) << closed;
}

TEST_F(ReflectionTest, AMistakeIsAnsweredWithTheFieldAndWhatWasExpected) {
  EXPECT_EQ(Call("millrace.v1.PipelineService", "Pull", R"({"pipelineId": "a b"})").find("error: pipeline_id: "), 0u);
}

}  // namespace
}  // namespace millrace::e2e
