// Runs command lines in a made-up world.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <memory>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include "client/cpp/mocks/fake_clock.h"
#include "storage/model/clock.h"
#include "tools/harness/temporary_folder.h"
#include "tools/millrace/cli.h"

namespace millrace::cli {

/// A fresh folder, an empty environment, and streams that are read back.
class CliFixture : public ::testing::Test {
 protected:
  /// Runs one command line against `connection`; null: the command must not connect.
  int Run(const std::vector<std::string>& arguments, std::shared_ptr<client::Connection> connection = nullptr) {
    out_.str("");
    err_.str("");
    std::istringstream in(answer_);
    const Environment environment = {
        .in = &in,
        .in_is_terminal = is_terminal_,
        .out = &out_,
        .err = &err_,
        .out_is_terminal = is_terminal_,
        .err_is_terminal = is_terminal_,
        .terminal_columns = 80,
        .terminal_rows = 24,
        .variable = [this](const std::string& name) { return variables_[name]; },
        .clock = &clock_,
        .timer = &timer_,
        .zone = absl::UTCTimeZone(),
        .random_seed = 1,
        .stop = stop_.get_token(),
        .connect = [&](const client::ClientOptions& options) -> absl::StatusOr<client::Client> {
          client_options_ = options;
          if (connection == nullptr) return absl::InternalError("this command was not expected to connect");
          return client::Client(connection);
        },
    };
    return RunCli(arguments, environment);
  }

  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  /// The path of a file in the test's folder.
  std::string Path(const std::string& name) const { return folder_.path() / name; }

  std::string WriteFile(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }

  std::string ReadFile(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name), std::ios::binary).rdbuf();
    return text.str();
  }

  bool Exists(const std::string& name) const { return std::filesystem::exists(Path(name)); }

  bool is_terminal_ = false;
  /// What is typed when a command asks.
  std::string answer_;
  std::map<std::string, std::string> variables_;
  client::ClientOptions client_options_;
  std::stop_source stop_;
  client::FakeClock timer_;

 private:
  harness::TemporaryFolder folder_;
  model::ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace millrace::cli
