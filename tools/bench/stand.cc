#include "tools/bench/stand.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/model/clock.h"

namespace millrace::bench {

double Seconds() { return static_cast<double>(model::SystemClock::Get()->SteadyNanos()) * 1e-9; }

absl::StatusOr<std::unique_ptr<Stand>> Stand::Start(const BenchOptions& options) {
  std::unique_ptr<Stand> stand(new Stand(options));
  if (absl::Status status = stand->StartServer(); !status.ok()) return status;
  absl::StatusOr<client::Client> client = stand->NewClient();
  if (!client.ok()) return client.status();
  stand->client_ = std::make_unique<client::Client>(*std::move(client));
  return stand;
}

absl::Status Stand::StartServer() {
  std::vector<std::string> flags = {"--log-level", "warn"};
  if (options_.workers > 0) flags.insert(flags.end(), {"--workers", absl::StrCat(options_.workers)});
  // The same port again after a restart, so that clients find it.
  const int port = server_ == nullptr ? 0 : server_->port();
  auto server = harness::ServerProcess::Start(options_.server_binary, folder_.path(), port, flags);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

absl::StatusOr<client::Client> Stand::NewClient() const {
  client::ClientOptions options;
  options.endpoint = server_->address();
  // Clients with other arguments do not share a connection.
  static int number = 0;
  options.user_agent_prefix = absl::StrCat("millrace-bench/", ++number);
  return client::Client::Connect(options);
}

absl::StatusOr<double> Stand::Restart() {
  server_->Kill();
  const double begin = Seconds();
  if (absl::Status status = StartServer(); !status.ok()) return status;
  return Seconds() - begin;
}

absl::Status Stand::Drain() {
  const int code = server_->Terminate();
  return code == 0 ? absl::OkStatus() : absl::InternalError(absl::StrCat("the server ended with ", code));
}

absl::Status Stand::CreateService(const std::string& definition) {
  v1::CreateServiceVersionRequest request;
  request.set_definition(definition);
  return client_->CreateServiceVersion(request).status();
}

absl::StatusOr<client::Pipeline> Stand::CreatePipeline(const std::string& service, const v1::JobOptions& options) {
  v1::CreatePipelineRequest request;
  request.set_service(service);
  *request.mutable_options() = options;
  (*request.mutable_parameters()->mutable_fields())["rate"].set_number_value(0.25);
  return client::Pipeline::Create(*client_, request);
}

int64_t Stand::StatusKilobytes(const std::string& field) const {
  std::ifstream file(absl::StrCat("/proc/", server_->pid(), "/status"));
  std::string word;
  int64_t kilobytes = 0;
  while (file >> word) {
    if (word == field && file >> kilobytes) break;
  }
  return kilobytes;
}

int64_t Stand::resident_bytes() const { return StatusKilobytes("VmRSS:") * 1024; }

int64_t Stand::peak_resident_bytes() const { return StatusKilobytes("VmHWM:") * 1024; }

double Stand::cpu_seconds() const {
  // The name in field 2 may hold spaces; what follows its closing bracket does not.
  std::ifstream file(absl::StrCat("/proc/", server_->pid(), "/stat"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream rest(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace millrace::bench
