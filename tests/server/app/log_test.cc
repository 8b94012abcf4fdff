#include "server/app/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>

#include "absl/time/time.h"
#include "server/core/json_struct.h"
#include "server/core/log.h"
#include "spdlog/sinks/ostream_sink.h"
#include "spdlog/spdlog.h"

namespace millrace::app {
namespace {

class LogTest : public ::testing::Test {
 protected:
  void Use(LogFormat format) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(text_);
    auto logger = std::make_shared<spdlog::logger>("test", sink);
    logger->set_formatter(MakeLogFormatter(format));
    before_ = spdlog::default_logger();
    spdlog::set_default_logger(logger);
  }
  void TearDown() override {
    if (before_ != nullptr) spdlog::set_default_logger(before_);
  }

  /// What was logged, without the time at its front.
  std::string TextBehindTime() const { return text_.str().substr(std::string("2024-05-01T12:00:03.123Z ").size()); }

  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(LogTest, TextHasTheFieldsBehindTheMessage) {
  Use(LogFormat::kText);
  core::Log(spdlog::level::warn, "slow call", {{"request_id", "r-1"}, {"job_id", ""}, {"duration_ms", "1200"}});
  EXPECT_EQ(TextBehindTime(), "warn  slow call request_id=r-1 duration_ms=1200\n");
}

TEST_F(LogTest, TextOfACallerBeginsNoLineOfItsOwn) {
  Use(LogFormat::kText);
  spdlog::error("bad: {}", "a\nb\x1b[31m");
  EXPECT_EQ(TextBehindTime(), "error bad: a\\nb\\x1b[31m\n");
}

TEST_F(LogTest, JsonIsOneObjectALineWhateverTheTextsHold) {
  Use(LogFormat::kJson);
  core::Log(spdlog::level::err, "quote \" slash \\ line\nend \x01 \xff é",
            {{"job_id", "j\"1"},
             {"chunk", "7"},
             {"peer",
              "forged\x1f"
              "job_id\x1fx"}});
  const std::string line = text_.str();
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const auto parsed = core::ParseJsonObject(line);
  ASSERT_TRUE(parsed.ok()) << line;
  const auto& fields = parsed->fields();
  EXPECT_EQ(fields.at("level").string_value(), "error");
  EXPECT_EQ(fields.at("message").string_value(), "quote \" slash \\ line\nend \x01 ? ??");
  EXPECT_EQ(fields.at("job_id").string_value(), "j\"1");
  EXPECT_EQ(fields.at("chunk").string_value(), "7");
  EXPECT_EQ(fields.at("peer").string_value(), "forged job_id x");
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, fields.at("time").string_value(), &time, nullptr));
}

TEST_F(LogTest, LinesWithoutFieldsAreReadAsTheyAre) {
  const core::LogLine line = core::ReadLogLine("plain");
  EXPECT_EQ(line.message, "plain");
  EXPECT_TRUE(line.fields.empty());
}

}  // namespace
}  // namespace millrace::app
