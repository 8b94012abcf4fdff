#include "tools/millrace/session.h"

#include <utility>

#include "storage/model/ids.h"
#include "storage/records/json_text.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"

namespace millrace::cli {
namespace {

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
  client::ClientOptions options;
  options.endpoint = options_.server;
  options.retry.max_elapsed = options_.retry_for < absl::ZeroDuration() ? retry_for : options_.retry_for;
  if (on_retry) {
    options.retry.on_retry = [on_retry = std::move(on_retry)](const absl::Status& failure, absl::Duration) {
      on_retry(failure);
    };
  }
  options.user_agent_prefix = "millrace-cli";
  return environment_.connect(options);
}

void Session::PrintJson(std::string_view json) const { out() << records::PrettyJson(json) << "\n"; }

void Session::PrintJson(const google::protobuf::Message& message) const { PrintJson(ToJson(message)); }

std::string Session::Time(const google::protobuf::Timestamp& time) const {
  return HumanTime(FromProto(time), environment_.zone);
}

std::string Session::NewId() const { return model::IdGenerator(environment_.clock, environment_.random_seed).Next(); }

}  // namespace millrace::cli
