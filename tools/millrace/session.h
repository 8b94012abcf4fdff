// What every command works with: the world around the process, and the choices that are the same for all commands.
#pragma once

#include <functional>
#include <istream>
#include <ostream>
#include <stop_token>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "client/cpp/clock.h"
#include "google/protobuf/message.h"
#include "storage/model/clock.h"
#include "tools/millrace/table.h"

namespace millrace::cli {

/// The world around the process, which tests make up.
struct Environment {
  /// Where questions are answered. Null: nobody is there.
  std::istream* in = nullptr;
  bool in_is_terminal = false;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  /// Columns of the terminal.
  int terminal_columns = 80;
  int terminal_rows = 24;
  /// Value of an environment variable; empty when it is not set.
  std::function<std::string(const std::string& name)> variable;
  /// Wall time.
  const model::Clock* clock = nullptr;
  /// Measures durations and waits.
  client::Clock* timer = nullptr;
  /// For times that are shown.
  absl::TimeZone zone;
  /// Makes random ids differ.
  uint64_t random_seed = 0;
  /// Stopped when the user interrupts the process.
  std::stop_token stop;
  /// Makes the client of the server.
  std::function<absl::StatusOr<client::Client>(const client::ClientOptions&)> connect;
};

/// How results are shown.
enum class OutputMode { kTable, kJson };

/// Options that every command takes.
struct GlobalOptions {
  OutputMode output = OutputMode::kTable;
  std::string server;
  /// How long calls are repeated while the server cannot be reached. Negative: the command's own default.
  absl::Duration retry_for = absl::Seconds(-1);
};

/// One run of one command.
class Session {
 public:
  /// `environment` must outlive the session.
  Session(const Environment& environment, GlobalOptions options);

  const Environment& environment() const { return environment_; }
  const GlobalOptions& options() const { return options_; }
  bool json() const { return options_.output == OutputMode::kJson; }
  std::ostream& out() const { return *environment_.out; }
  std::ostream& err() const { return *environment_.err; }
  /// For texts on `out` and on `err`.
  const Style& out_style() const { return out_style_; }
  const Style& err_style() const { return err_style_; }

  /// A client that repeats calls for `retry_for` unless the user said otherwise. `on_retry`, if any, sees each failure
  /// that is going to be repeated; it may be called by several threads. Without it, one line on `err` tells the first
  /// failure where the wait may be long.
  absl::StatusOr<client::Client> Connect(absl::Duration retry_for = absl::Seconds(1),
                                         std::function<void(const absl::Status&)> on_retry = nullptr) const;

  /// For each call of a client: ends it when the user interrupts.
  client::CallOptions call() const { return {.stop = environment_.stop, .timeout = {}}; }

  /// Prints one JSON document.
  void PrintJson(std::string_view json) const;

  /// Prints a message as JSON; see ToJson.
  void PrintJson(const google::protobuf::Message& message) const;

  /// `2024-05-01 12:00:03` in the user's time zone.
  std::string Time(const google::protobuf::Timestamp& time) const;

  /// A new unique id.
  std::string NewId() const;

 private:
  std::function<void(const absl::Status&)> FirstRetryNotice(absl::Duration patience) const;

  const Environment& environment_;
  const GlobalOptions options_;
  const Style out_style_;
  const Style err_style_;
};

}  // namespace millrace::cli
