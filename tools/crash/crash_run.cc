#include "tools/crash/crash_run.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "absl/strings/str_cat.h"
#include "tools/crash/connect.h"
#include "tools/crash/each_second.h"
#include "tools/crash/workload.h"
#include "tools/harness/kernel_timer.h"

namespace millrace::crash {
namespace {

constexpr int kProgressFd = 9;
constexpr int kPatienceSeconds = 60;
constexpr uint64_t kFactsPerCycleMax = 400;
constexpr uint64_t kMicrosBeforeKillMax = 3'000;
// A server serves after some 30 ms.
constexpr uint64_t kMicrosOfStartMax = 40'000;
constexpr uint64_t kMicrosOfFreezeMax = 200'000;

const std::vector<std::string>& ServerFlags() {
  static const auto& flags = *new std::vector<std::string>{"--log-level", "warn"};
  return flags;
}

}  // namespace

CrashRun::CrashRun(CrashOptions options) : options_(std::move(options)), random_(options_.seed) {
  for (const PipelinePlan& plan : kPipelines) {
    const std::string id(plan.id);
    clients_.push_back({.name = "push-" + id, .role = "push", .pipeline = id, .program = nullptr});
    clients_.push_back({.name = "pull-" + id, .role = "pull", .pipeline = id, .program = nullptr});
  }
  clients_.push_back({.name = "jobs", .role = "jobs", .pipeline = "", .program = nullptr});
}

CrashRun::~CrashRun() {
  for (const int fd : progress_) {
    if (fd >= 0) close(fd);
  }
}

absl::Status CrashRun::Run(Verdict& verdict) {
  absl::Status status = SetUp();
  for (int cycle = 0; status.ok() && cycle < options_.cycles; ++cycle) {
    if (cycle == options_.cycles / 2 && options_.freeze > absl::ZeroDuration()) FreezeServer(options_.freeze);
    status = Cycle();
  }
  if (status.ok()) status = Finish();
  if (!status.ok()) return status;
  // What is checked is what a new server finds on the disk.
  server_->Kill();
  ++kills_.servers;
  if (status = StartServer(); !status.ok()) return status;
  const absl::StatusOr<client::Client> client = Connect(server_->address());
  if (!client.ok()) return client.status();
  return CheckEverything(*client, options_.folder, verdict);
}

absl::Status CrashRun::SetUp() {
  // Facts are never waited for by those who write them: a pipe that is full has said enough.
  if (pipe2(progress_, O_CLOEXEC | O_NONBLOCK) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  if (absl::Status status = StartServer(); !status.ok()) return status;
  const absl::StatusOr<client::Client> client = Connect(server_->address());
  if (!client.ok()) return client.status();
  v1::CreateServiceVersionRequest service;
  service.set_definition(kService);
  if (const auto created = client->CreateServiceVersion(service); !created.ok()) return created.status();
  for (const PipelinePlan& plan : kPipelines) {
    if (const auto created = client->CreatePipeline(MakeRequest(plan)); !created.ok()) return created.status();
  }
  if (absl::Status scheduled = StartEachSecond(*client); !scheduled.ok()) return scheduled;
  for (ClientPlan& plan : clients_) {
    if (absl::Status status = StartClient(plan, false); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CrashRun::StartServer() {
  auto server = harness::ServerProcess::Start(options_.server_binary, options_.folder / "data", port_, ServerFlags());
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  port_ = server_->port();
  return absl::OkStatus();
}

absl::Status CrashRun::KillAtStart() {
  std::vector<std::string> command = {options_.server_binary.string(), "--data-dir", options_.folder / "data",
                                      "--listen", absl::StrCat("127.0.0.1:", port_)};
  command.insert(command.end(), ServerFlags().begin(), ServerFlags().end());
  const auto server = harness::Program::Start(command);
  if (!server.ok()) return server.status();
  harness::PauseFor(absl::Microseconds(Below(kMicrosOfStartMax)));
  (*server)->End(SIGKILL);
  ++kills_.starting_servers;
  ++kills_.servers;
  return absl::OkStatus();
}

void CrashRun::FreezeServer(absl::Duration length) {
  server_->Freeze();
  harness::PauseFor(length);
  server_->Thaw();
  ++kills_.frozen_servers;
}

absl::Status CrashRun::StartClient(ClientPlan& plan, bool finish) {
  std::vector<std::string> command = {options_.client_binary.string(),
                                      "client",
                                      "--role",
                                      plan.role,
                                      "--pipeline",
                                      plan.pipeline,
                                      "--server",
                                      server_->address(),
                                      "--ledger",
                                      LedgerFile(options_.folder, plan.name).string(),
                                      "--progress-fd",
                                      absl::StrCat(kProgressFd),
                                      "--seed",
                                      absl::StrCat(random_())};
  if (finish) command.emplace_back("--finish");
  auto program = harness::Program::Start(command, {}, progress_[1], kProgressFd);
  if (!program.ok()) return program.status();
  plan.program = *std::move(program);
  return absl::OkStatus();
}

absl::Status CrashRun::KillClient(ClientPlan& plan) {
  const int code = plan.program->End(SIGKILL);
  plan.program.reset();
  ++kills_.clients;
  if (code == 128 + SIGKILL) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("client ", plan.name, " gave up with ", code, "; what it said is above"));
}

absl::Status CrashRun::Cycle() {
  if (absl::Status status = AwaitFacts(1 + Below(kFactsPerCycleMax)); !status.ok()) return status;
  harness::PauseFor(absl::Microseconds(Below(kMicrosBeforeKillMax)));

  if (OneIn(4)) FreezeServer(absl::Microseconds(Below(kMicrosOfFreezeMax)));
  const bool kills_server = !OneIn(4);
  if (kills_server) {
    server_->Kill();
    ++kills_.servers;
  }
  std::vector<ClientPlan*> victims;
  for (ClientPlan& plan : clients_) {
    if (OneIn(3)) victims.push_back(&plan);
  }
  if (!kills_server && victims.empty()) victims.push_back(&clients_[Below(clients_.size())]);
  std::shuffle(victims.begin(), victims.end(), random_);
  for (ClientPlan* victim : victims) {
    if (absl::Status status = KillClient(*victim); !status.ok()) return status;
  }

  if (kills_server) {
    while (OneIn(5)) {
      if (absl::Status status = KillAtStart(); !status.ok()) return status;
    }
    if (absl::Status status = StartServer(); !status.ok()) return status;
  }
  for (ClientPlan* victim : victims) {
    if (absl::Status status = StartClient(*victim, false); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CrashRun::AwaitFacts(uint64_t count) {
  std::array<char, 512> facts{};
  while (count > 0) {
    pollfd waiting{.fd = progress_[0], .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, kPatienceSeconds * 1'000) == 0) {
      return absl::DeadlineExceededError(absl::StrCat("no client got anything done for ", kPatienceSeconds, " s"));
    }
    const ssize_t read_now = read(progress_[0], facts.data(), std::min<uint64_t>(count, facts.size()));
    if (read_now > 0) count -= static_cast<uint64_t>(read_now);
  }
  return absl::OkStatus();
}

absl::Status CrashRun::Finish() {
  // Results of the pipeline that will be cancelled must pile up first, so that there is something to skip.
  for (const PipelinePlan& plan : kPipelines) {
    ClientPlan& puller = Client(absl::StrCat("pull-", std::string(plan.id)));
    if (!plan.cancelled) continue;
    if (absl::Status status = KillClient(puller); !status.ok()) return status;
    const absl::StatusOr<client::Client> client = Connect(server_->address());
    if (!client.ok()) return client.status();
    if (absl::Status status = AwaitBacklog(*client, puller.pipeline); !status.ok()) return status;
  }
  for (ClientPlan& plan : clients_) {
    if (plan.program == nullptr) continue;
    if (absl::Status status = KillClient(plan); !status.ok()) return status;
  }
  return EndPipelines();
}

absl::Status CrashRun::EndPipelines() {
  const absl::StatusOr<client::Client> client = Connect(server_->address());
  if (!client.ok()) return client.status();
  for (const PipelinePlan& plan : kPipelines) {
    const std::string id(plan.id);
    ClientPlan& pusher = Client("push-" + id);
    ClientPlan& puller = Client("pull-" + id);
    if (plan.cancelled) {
      v1::CancelPipelineRequest request;
      request.set_pipeline_id(id);
      request.set_reason("the run is over");
      if (const auto cancelled = client->CancelPipeline(request); !cancelled.ok()) return cancelled.status();
    } else {
      // Somebody must make room while the rest is pushed.
      if (absl::Status status = StartClient(puller, false); !status.ok()) return status;
      if (absl::Status status = FinishClient(pusher); !status.ok()) return status;
      if (absl::Status status = KillClient(puller); !status.ok()) return status;
      v1::ClosePipelineRequest request;
      request.set_pipeline_id(id);
      if (const auto closed = client->ClosePipeline(request); !closed.ok()) return closed.status();
    }
    if (absl::Status status = FinishClient(puller); !status.ok()) return status;
  }
  if (absl::Status finished = FinishClient(Client("jobs")); !finished.ok()) return finished;
  return EndEachSecond(*client);
}

absl::Status CrashRun::FinishClient(ClientPlan& plan) {
  if (absl::Status status = StartClient(plan, true); !status.ok()) return status;
  if (!plan.program->EndsWithin(absl::Seconds(kPatienceSeconds))) {
    return absl::DeadlineExceededError(absl::StrCat("client ", plan.name, " does not come to an end"));
  }
  const int code = plan.program->Wait();
  plan.program.reset();
  if (code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("client ", plan.name, " ended with ", code, "; what it said is above"));
}

absl::Status CrashRun::AwaitBacklog(const client::Client& client, const std::string& pipeline) {
  v1::GetPipelineStatusRequest request;
  request.set_pipeline_id(pipeline);
  for (;;) {
    const absl::StatusOr<v1::PipelineStatus> status = client.GetPipelineStatus(request);
    if (!status.ok()) return status.status();
    if (status->workers_in_use() == 0 && status->output_buffer_remaining_bytes() == 0 &&
        status->chunks_submitted() > status->chunks_completed()) {
      return absl::OkStatus();
    }
    // Something has happened since then, or will: others are at work.
    if (absl::Status progress = AwaitFacts(1); !progress.ok()) return progress;
  }
}

CrashRun::ClientPlan& CrashRun::Client(const std::string& name) {
  return *std::find_if(clients_.begin(), clients_.end(), [&](const ClientPlan& plan) { return plan.name == name; });
}

}  // namespace millrace::crash
