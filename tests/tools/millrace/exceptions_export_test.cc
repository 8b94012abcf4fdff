#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "client/cpp/mocks/mock_connection.h"
#include "tests/storage/records/row_reading.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using records::CsvOver;
using records::JsonLinesOver;
using records::RecordsOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::StrictMock;

constexpr char kTail[] = ",BAD_SIZE,mass,\"unknown \"\"size\"\"\"\n";

class ExceptionsExportTest : public CliFixture {
 protected:
  ExceptionsExportTest() {
    EXPECT_CALL(*connection_, GetJob).WillRepeatedly([this](const auto&, const auto&) { return job_; });
    // Two on a page.
    EXPECT_CALL(*connection_, ListExceptions)
        .WillRepeatedly([this](const v1::ListExceptionsRequest& request, const auto&) {
          EXPECT_EQ(request.job_id(), "j");
          EXPECT_EQ(request.fingerprint(), group_);
          EXPECT_THAT(request.states(), ElementsAre(v1::EXCEPTION_STATE_UNRESOLVED));
          const size_t begin = request.page_token().empty() ? 0 : std::stoul(request.page_token());
          v1::ListExceptionsResponse response;
          for (size_t i = begin; i < inputs_.size() && i < begin + 2; ++i) {
            v1::RecordException& exception = *response.add_exceptions();
            exception.set_id("7-" + std::to_string(i));
            exception.set_input(inputs_[i]);
            exception.set_code("BAD_SIZE");
            exception.set_node("mass");
            exception.set_message("unknown \"size\"");
          }
          if (begin + 2 < inputs_.size()) response.set_next_page_token(std::to_string(begin + 2));
          return response;
        });
  }

  /// The job reads a file in this format.
  void ReadsFile(v1::FileFormat format) { job_.mutable_source()->mutable_file()->set_format(format); }

  /// What is written of these inputs.
  std::string Exported(std::vector<std::string> inputs, const std::vector<std::string>& options = {}) {
    inputs_ = std::move(inputs);
    std::vector<std::string> arguments = {"exceptions", "export", "j", "--output", Path("rejects")};
    arguments.insert(arguments.end(), options.begin(), options.end());
    EXPECT_EQ(Run(arguments, connection_), 0) << err();
    return ReadFile("rejects");
  }

  v1::Job job_;
  std::vector<std::string> inputs_;
  std::string group_;
  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(ExceptionsExportTest, RecordsOfJsonLinesAreTheSameWhenReadAgain) {
  ReadsFile(v1::FILE_FORMAT_JSONL);
  const std::vector<std::string> records = {"{ \"a\": 1.50, \"b\": [1, 2] }", "{}", "not json",
                                            "[\"CSV_ROW_RAGGED\",\"x\"]", "{\"a\":\"\xff\"}"};
  const std::string written = Exported(records);
  EXPECT_THAT(written, HasSubstr("{ \"a\": 1.50, \"b\": [1, 2],\"_reject_code\":\"BAD_SIZE\",\"_reject_node\":\"mass\","
                                 "\"_reject_message\":\"unknown \\\"size\\\"\" }\n"));
  EXPECT_THAT(RecordsOf(JsonLinesOver(written)), ElementsAreArray(records));
  EXPECT_THAT(err(), HasSubstr("5 records exported to "));
}

TEST_F(ExceptionsExportTest, RowsOfCsvAreTheSameRecordsWhenReadAgain) {
  ReadsFile(v1::FILE_FORMAT_CSV);
  const std::vector<std::string> records =
      RecordsOf(CsvOver("b,\"a,c\"\n1,\"x,\"\"y\"\"\"\n,\"two\nlines\"\n5\" pipe,\n"));
  const std::string written = Exported(records);
  EXPECT_EQ(written.substr(0, written.find(kTail)),
            "b,\"a,c\",_reject_code,_reject_node,_reject_message\n1,\"x,\"\"y\"\"\"");
  EXPECT_THAT(RecordsOf(CsvOver(written)), ElementsAreArray(records));
}

TEST_F(ExceptionsExportTest, ARowThatCouldNotBeReadIsWrittenAsItWas) {
  ReadsFile(v1::FILE_FORMAT_CSV);
  const std::string written =
      Exported({R"(["CSV_ROW_RAGGED in line 3: expected 2 cells","1,\"x\ny\""])",
                "[\"CSV_NOT_UTF8 in line 4: the row is not UTF-8\",\"caf\xe9,\xc3\xbc\xff\"]", R"({"a":"1","b":"2"})"});
  EXPECT_EQ(written,
            "a,b,_reject_code,_reject_node,_reject_message\n"
            "1,\"x\ny\",BAD_SIZE,mass,CSV_ROW_RAGGED in line 3: expected 2 cells\n"
            "caf\xe9,\xc3\xbc\xff,BAD_SIZE,mass,CSV_NOT_UTF8 in line 4: the row is not UTF-8\n"
            "1,2,BAD_SIZE,mass,\"unknown \"\"size\"\"\"\n");
}

TEST_F(ExceptionsExportTest, WhereNoRowCouldBeReadARecordThatSucceededTellsTheColumns) {
  ReadsFile(v1::FILE_FORMAT_CSV);
  EXPECT_CALL(*connection_, ListRecords).WillOnce([](const v1::ListRecordsRequest& request, const auto&) {
    EXPECT_TRUE(request.with_input());
    EXPECT_THAT(request.states(), ElementsAre(v1::RECORD_STATE_COMPLETED));
    v1::ListRecordsResponse response;
    response.add_records()->set_input(R"({"a":"1","b":"2"})");
    return response;
  });
  EXPECT_THAT(Exported({R"(["CSV_ROW_RAGGED in line 3: short","1"])"}), HasSubstr("a,b,_reject_code"));
}

TEST_F(ExceptionsExportTest, WithoutAnyRecordNobodyTellsTheColumns) {
  EXPECT_CALL(*connection_, ListRecords).WillOnce([](const auto&, const auto&) { return v1::ListRecordsResponse(); });
  inputs_ = {R"(["CSV_ROW_RAGGED in line 3: short","1"])"};
  EXPECT_EQ(Run({"exceptions", "export", "j", "--format", "csv"}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("no record of the job tells the columns"));
  EXPECT_EQ(out(), "");
}

TEST_F(ExceptionsExportTest, ACsvFileHasTheColumnsOfAllRecords) {
  EXPECT_EQ(
      Exported({R"({"a":1.50,"b":null})", R"({"c":{"x":[1]},"a":true,"_reject_code":"OLD"})"}, {"--format", "csv"}),
      "a,b,c,_reject_code,_reject_node,_reject_message\n"
      "1.50,," +
          std::string(kTail) + "true,,\"{\"\"x\"\":[1]}\"" + kTail);
}

TEST_F(ExceptionsExportTest, WhatIsNoObjectMakesNoRowOfCsv) {
  inputs_ = {R"({"a":1})", "not json"};
  EXPECT_EQ(Run({"exceptions", "export", "j", "--format", "csv", "--output", Path("x.csv")}, connection_), 1);
  EXPECT_THAT(err(), HasSubstr("exception 7-1: it is no JSON object"));
  EXPECT_FALSE(Exists("x.csv")) << "half a file has another name";
}

TEST_F(ExceptionsExportTest, TheFormatIsThatOfTheSourceAndElseTheNameSaysIt) {
  const std::string header = "a,_reject_code,_reject_node,_reject_message\n";
  ReadsFile(v1::FILE_FORMAT_CSV);
  EXPECT_EQ(Exported({R"({"a":1})"}), header + "1" + kTail);
  EXPECT_EQ(Exported({R"({"a":1})"}, {"--format", "jsonl"}).substr(0, 7), "{\"a\":1,");
  EXPECT_EQ(Run({"exceptions", "export", "j", "--output", Path("x.jsonl")}, connection_), 2);
  EXPECT_THAT(err(), HasSubstr("--output has the format of the file that the job reads"));
  job_.clear_source();
  EXPECT_EQ(Exported({R"({"a":1})"}).substr(0, 7), "{\"a\":1,");
  EXPECT_EQ(Run({"exceptions", "export", "j", "--output", Path("x.csv")}, connection_), 0) << err();
  EXPECT_EQ(ReadFile("x.csv"), header + "1" + kTail);
  EXPECT_EQ(Run({"exceptions", "export", "j", "--format", "xml"}), 2);
}

TEST_F(ExceptionsExportTest, OfOneGroup) {
  group_ = "00aa";
  EXPECT_THAT(RecordsOf(JsonLinesOver(Exported({"{}"}, {"--group", "00aa"}))), ElementsAre("{}"));
}

TEST_F(ExceptionsExportTest, ARecordWhoseInputIsLostIsLeftOutAndTold) {
  EXPECT_THAT(RecordsOf(JsonLinesOver(Exported({"{}", "", "{\"a\":1}"}))), ElementsAre("{}", "{\"a\":1}"));
  EXPECT_THAT(err(), HasSubstr("1 more have lost their input"));
}

}  // namespace
}  // namespace millrace::cli
