#include "tools/millrace/session.h"

#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/model/ids.h"
#include "storage/records/json_text.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/table.h"

namespace millrace::cli {
namespace {

// A wait that nobody takes for a fault.
constexpr absl::Duration kSilentPatience = absl::Seconds(2);

/// gRPC would take the port modulo 65,536, and so call another server.
bool IsAddress(const std::string& server) {
  if (absl::StartsWith(server, "unix:")) return true;
  const size_t colon = server.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  int port = 0;
  const bool is_number = absl::SimpleAtoi(server.substr(colon + 1), &port);
  return is_number && port >= 1 && port <= 65'535;
}

bool IsColoured(const Environment& environment, bool is_terminal) {
  return is_terminal && environment.variable("NO_COLOR").empty();
}

}  // namespace

Session::Session(const Environment& environment, GlobalOptions options)
    : environment_(environment),
      options_(std::move(options)),
      out_style_(IsColoured(environment, environment.out_is_terminal)),
      err_style_(IsColoured(environment, environment.err_is_terminal)) {}

absl::StatusOr<client::Client> Session::Connect(absl::Duration retry_for,
                                                std::function<void(const absl::Status&)> on_retry) const {
  if (!IsAddress(options_.server)) {
    return UsageError(
        absl::StrCat("--server: expected HOST:PORT with a port of 1 to 65535, not '", options_.server, "'"));
  }
  client::ClientOptions options;
  options.endpoint = options_.server;
  options.retry.max_elapsed = options_.retry_for < absl::ZeroDuration() ? retry_for : options_.retry_for;
  if (!on_retry && options.retry.max_elapsed > kSilentPatience) on_retry = FirstRetryNotice(options.retry.max_elapsed);
  if (on_retry) {
    options.retry.on_retry = [on_retry = std::move(on_retry)](const absl::Status& failure, absl::Duration) {
      on_retry(failure);
    };
  }
  options.user_agent_prefix = "millrace-cli";
  return environment_.connect(options);
}

// The address is not in the message of a connection that failed.
std::function<void(const absl::Status&)> Session::FirstRetryNotice(absl::Duration patience) const {
  return [this, patience, told = std::make_shared<std::atomic<bool>>(false)](const absl::Status& failure) {
    const std::string why = WhyRepeated(failure);
    if (why.empty() || told->exchange(true)) return;
    err() << Printable(absl::StrCat("millrace: ", why, "; trying again at ", options_.server, " for up to ",
                                    absl::FormatDuration(patience), " (--retry-for)"))
          << std::endl;
  };
}

void Session::PrintJson(std::string_view json) const { out() << records::PrettyJson(json) << "\n"; }

void Session::PrintJson(const google::protobuf::Message& message) const { PrintJson(ToJson(message)); }

std::string Session::Time(const google::protobuf::Timestamp& time) const {
  return HumanTime(FromProto(time), environment_.zone);
}

std::string Session::NewId() const { return model::IdGenerator(environment_.clock, environment_.random_seed).Next(); }

}  // namespace millrace::cli
