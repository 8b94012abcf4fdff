#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/pipeline_options.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

struct ServiceOptions {
  /// A file for `create`, a reference or a name for the others.
  std::string target;
  /// For `test`.
  std::string file;
  InputOptions input;
  ParameterOptions parameters;
  /// For `delete`.
  bool force = false;
};

absl::StatusOr<ExitCode> Create(Session& session, const ServiceOptions& options) {
  auto definition = records::ReadWholeFile(options.target, model::kDefinitionBytesMax);
  if (!definition.ok()) return definition.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::CreateServiceVersionRequest request;
  request.set_definition(*std::move(definition));
  const auto version = client->CreateServiceVersion(request, session.call());
  if (!version.ok()) return During(absl::StrCat("cannot create the service of ", options.target), version.status());
  if (session.json()) {
    session.PrintJson(*version);
  } else {
    session.out() << RenderServiceVersion(*version, session);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> List(Session& session, const ServiceOptions&) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  Table table({{"SERVICE"}, {"LATEST"}, {"VERSIONS", Align::kRight}, {"DESCRIPTION"}});
  std::vector<std::string> services;
  auto status = client->AllServices({}, session.call()).ForEach([&](const v1::ServiceSummary& service) {
    services.push_back(ToJson(service));
    table.AddRow(
        {service.service(), service.latest_version(), HumanCount(service.version_count()), service.description()});
    return absl::OkStatus();
  });
  if (!status.ok()) return During("cannot list the services", status);
  if (session.json()) {
    session.PrintJson(JsonObject({{"services", JsonArray(services)}}));
  } else if (table.empty()) {
    session.err() << "no service yet; `millrace services create FILE` adds one\n";
  } else {
    session.out() << table.Render(session.out_style());
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Show(Session& session, const ServiceOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::GetServiceVersionRequest request;
  request.set_service(options.target);
  const auto version = client->GetServiceVersion(request, session.call());
  if (!version.ok()) return During("cannot show the service", version.status());
  if (session.json()) {
    session.PrintJson(*version);
  } else {
    session.out() << RenderServiceVersion(*version, session) << "\n" << version->definition();
    if (!version->definition().ends_with('\n')) session.out() << "\n";
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Versions(Session& session, const ServiceOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListServiceVersionsRequest request;
  request.set_service(options.target);
  Table table({{"VERSION"}, {"CREATED"}, {"BY"}, {"CONFIG HASH"}, {"VERSION ID"}, {"DESCRIPTION"}});
  std::vector<std::string> versions;
  auto status = client->AllServiceVersions(request, session.call()).ForEach([&](const v1::ServiceVersion& version) {
    versions.push_back(ToJson(version));
    table.AddRow({version.version(), session.Time(version.create_time()), version.created_by(),
                  version.config_hash().substr(0, 12), version.version_id(), version.description()});
    return absl::OkStatus();
  });
  if (!status.ok()) return During("cannot list the versions", status);
  if (session.json()) {
    session.PrintJson(JsonObject({{"versions", JsonArray(versions)}}));
  } else {
    session.out() << table.Render(session.out_style());
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Test(Session& session, const ServiceOptions& options) {
  if (options.target.empty() == options.file.empty()) {
    return UsageError("give either a service or --file with a definition");
  }
  v1::TestServiceRequest request;
  request.set_service(options.target);
  if (!options.file.empty()) {
    auto definition = records::ReadWholeFile(options.file, model::kDefinitionBytesMax);
    if (!definition.ok()) return definition.status();
    request.set_definition(*std::move(definition));
  }
  auto parameters = ParametersOf(options.parameters);
  if (!parameters.ok()) return parameters.status();
  *request.mutable_parameters() = *std::move(parameters);
  const auto reader = OpenInputRecords(options.input, session.environment().stop);
  if (!reader.ok()) return reader.status();
  auto lines = ReadRecordLines(**reader, options.input.input, model::kTestRecordsMax);
  if (!lines.ok()) return During("cannot read the input", lines.status());
  request.mutable_inputs()->set_json_lines(*std::move(lines));

  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto response = client->TestService(request, session.call());
  if (!response.ok()) return During("cannot test the service", response.status());
  const v1::ChunkResult& result = response->result();
  if (session.json()) {
    std::vector<std::string> nodes;
    for (const v1::NodeStatistics& node : response->nodes()) nodes.push_back(ToJson(node));
    std::vector<std::string> labels;
    for (const v1::LabelCount& label : response->labels()) labels.push_back(ToJson(label));
    session.PrintJson(
        JsonObject({{"result", ResultToJson(result)}, {"nodes", JsonArray(nodes)}, {"labels", JsonArray(labels)}}));
  } else {
    session.out() << RenderResults({result}, session) << "\n";
    for (const v1::RecordWarning& warning : result.warnings()) {
      session.out() << session.out_style().Yellow("warning:") << " record " << warning.index() << ", node "
                    << Printable(warning.node()) << ": " << Printable(warning.message()) << "\n";
    }
    session.out() << RenderNodeStatistics({response->nodes().begin(), response->nodes().end()}, session);
    if (response->labels_size() > 0) session.out() << "\n" << RenderLabels(response->labels(), session);
  }
  return result.failed_count() > 0 ? ExitCode::kExceptions : ExitCode::kOk;
}

absl::StatusOr<ExitCode> Delete(Session& session, const ServiceOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::DeleteServiceVersionRequest request;
  request.set_service(options.target);
  request.set_force(options.force);
  const auto response = client->DeleteServiceVersion(request, session.call());
  if (!response.ok()) return During("cannot delete the service version", response.status());
  if (session.json()) {
    session.PrintJson(*response);
  } else {
    session.out() << "deleted " << Printable(options.target) << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddServicesCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup("services", "Services: what happens to one record, in versions that never change");
  const auto add = [&](const char* name, const char* help, const char* examples) {
    auto options = std::make_shared<ServiceOptions>();
    return std::make_pair(tree.AddCommand(group, name, help, examples), options);
  };
  constexpr char kReference[] = "folder/name (latest version), folder/name[version] or a version id";

  auto [create, create_options] =
      add("create", "Add a version of a service; the same definition again changes nothing",
          "millrace services create strike-severity.yaml\ncat definition.json | millrace services create -");
  create->add_option("FILE", create_options->target, "The definition as YAML or JSON; - is the standard input")
      ->required()
      ->type_name("FILE");
  tree.OnRun(create, create_options, &Create);

  auto [list, list_options] =
      add("list", "List the services", "millrace services list\nmillrace services list -o json");
  tree.OnRun(list, list_options, &List);

  auto [show, show_options] = add("show", "Show a version of a service with its inputs, nodes and definition",
                                  "millrace services show aviation/strike-severity\n"
                                  "millrace services show aviation/strike-severity[1.0.0] -o json");
  show->add_option("SERVICE", show_options->target, kReference)->required();
  tree.OnRun(show, show_options, &Show);

  auto [versions, versions_options] = add("versions", "List the versions of a service, highest first",
                                          "millrace services versions aviation/strike-severity");
  versions->add_option("SERVICE", versions_options->target, "folder/name")->required();
  tree.OnRun(versions, versions_options, &Versions);

  auto [test, test_options] =
      add("test", "Run a few records, at most 1,000, through a service or a definition; nothing is stored",
          "millrace services test aviation/strike-severity --input sample.csv\n"
          "millrace services test --file strike-severity.yaml --input sample.jsonl --param year=2024 -o json");
  test->add_option("SERVICE", test_options->target, kReference);
  test->add_option("--file", test_options->file, "A definition instead of a service; - is the standard input")
      ->type_name("FILE");
  AddInputOptions(test, test_options->input);
  AddParameterOptions(test, test_options->parameters);
  tree.OnRun(test, test_options, &Test);

  auto [remove, remove_options] = add("delete", "Delete a version of a service; jobs that ran under it stay",
                                      "millrace services delete aviation/strike-severity[1.0.0]");
  remove->add_option("SERVICE", remove_options->target, "folder/name[version] or a version id")->required();
  remove->add_flag("--force", remove_options->force,
                   "Also where schedules name it, or ended jobs have unresolved exceptions under it; never while a job "
                   "that has not ended needs it");
  tree.OnRun(remove, remove_options, &Delete);
}

}  // namespace millrace::cli
