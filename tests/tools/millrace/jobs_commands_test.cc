// jobs list with filters, jobs stats, jobs chunks and jobs events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "client/cpp/mocks/mock_connection.h"
#include "tests/tools/millrace/cli_fixture.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Return;
using ::testing::StrictMock;

class JobsCommandsTest : public CliFixture {
 protected:
  static v1::JobStatistics Statistics() {
    v1::JobStatistics statistics;
    statistics.set_job_id("j");
    statistics.set_service_uri("demo/echo[1.0.0]");
    statistics.set_state(v1::JOB_STATE_CLOSED);
    statistics.mutable_summary()->set_records_submitted(2'000);
    statistics.mutable_summary()->set_records_completed(990);
    statistics.mutable_summary()->set_records_failed(10);
    statistics.set_percent(50);
    statistics.set_records_per_second(12.5);
    statistics.mutable_rate_window()->set_seconds(80);
    statistics.set_average_records_per_second(1'234);
    statistics.set_exception_groups(3);
    v1::JobNodeStatistics& node = *statistics.add_nodes();
    node.mutable_statistics()->set_node("mass_kg");
    node.mutable_statistics()->set_record_count(1'000);
    node.set_run_time_share(0.625);
    return statistics;
  }

  std::shared_ptr<StrictMock<client::MockConnection>> connection_ =
      std::make_shared<StrictMock<client::MockConnection>>();
};

TEST_F(JobsCommandsTest, ListSendsItsFilters) {
  EXPECT_CALL(*connection_, ListJobs).WillOnce([](const v1::ListJobsRequest& request, const auto&) {
    EXPECT_EQ(request.project(), "pricing");
    EXPECT_EQ(request.tag(), "urgent");
    EXPECT_EQ(request.created_by(), "ann");
    EXPECT_EQ(request.text(), "month-end");
    EXPECT_EQ(request.create_time_from().seconds(), 1'714'564'800);
    EXPECT_EQ(request.create_time_before().seconds(), 1'714'651'200);
    return v1::ListJobsResponse();
  });
  EXPECT_EQ(Run({"jobs", "list", "--project", "pricing", "--tag", "urgent", "--created-by", "ann", "--text",
                 "month-end", "--since", "2024-05-01T12:00:00Z", "--before", "2024-05-02T14:00:00+02:00"},
                connection_),
            0)
      << err();
}

TEST_F(JobsCommandsTest, WhatStillNeedsAVersionIsListed) {
  EXPECT_CALL(*connection_, ListJobs).WillOnce([](const v1::ListJobsRequest& request, const auto&) {
    EXPECT_EQ(request.service(), "pricing/swap[1.0.0]");
    EXPECT_THAT(request.states(),
                ::testing::ElementsAre(v1::JOB_STATE_CREATED, v1::JOB_STATE_IN_PROGRESS, v1::JOB_STATE_PAUSED,
                                       v1::JOB_STATE_CLOSED, v1::JOB_STATE_CLOSED_BY_TIMEOUT));
    return v1::ListJobsResponse();
  });
  EXPECT_EQ(Run({"jobs", "list", "--service", "pricing/swap[1.0.0]", "--unfinished"}, connection_), 0) << err();
  EXPECT_EQ(Run({"jobs", "list", "--state", "CLOSED", "--unfinished"}, connection_), 2);
}

TEST_F(JobsCommandsTest, ListTakesHowLongAgo) {
  EXPECT_CALL(*connection_, ListJobs).WillOnce([](const v1::ListJobsRequest& request, const auto&) {
    EXPECT_TRUE(request.has_create_time_from());
    EXPECT_FALSE(request.has_create_time_before());
    return v1::ListJobsResponse();
  });
  EXPECT_EQ(Run({"jobs", "list", "--since", "24h"}, connection_), 0) << err();
  EXPECT_EQ(Run({"jobs", "list", "--since", "yesterday"}, connection_), 2);
  EXPECT_THAT(err(), HasSubstr("--since: expected how long ago, such as 24h"));
}

TEST_F(JobsCommandsTest, ListTakesAnOrderAndOutcomes) {
  EXPECT_CALL(*connection_, ListJobs).WillOnce([](const v1::ListJobsRequest& request, const auto&) {
    EXPECT_EQ(request.order(), v1::JOB_ORDER_MOST_FAILED_FIRST);
    EXPECT_THAT(request.outcomes(), ::testing::ElementsAre(v1::OUTCOME_PARTIAL, v1::OUTCOME_FAILED_ALL));
    EXPECT_EQ(request.page_size(), 21) << "one page tells whether there are more";
    return v1::ListJobsResponse();
  });
  EXPECT_EQ(
      Run({"jobs", "list", "--sort", "failed", "--outcome", "partial", "--outcome", "FAILED_ALL", "--limit", "20"},
          connection_),
      0)
      << err();
  EXPECT_EQ(Run({"jobs", "list", "--sort", "size"}), 2);
  EXPECT_EQ(Run({"jobs", "list", "--sort", "name", "--oldest-first"}), 2);
  EXPECT_EQ(Run({"jobs", "list", "--outcome", "fine"}), 2);
}

TEST_F(JobsCommandsTest, ASortedListIsReadThroughItsEmptyPages) {
  v1::ListJobsResponse looking;
  looking.set_next_page_token("looked at 1,000");
  v1::ListJobsResponse page;
  page.add_jobs()->set_id("worst");
  EXPECT_CALL(*connection_, ListJobs).WillOnce(Return(looking)).WillOnce(Return(page));
  EXPECT_EQ(Run({"jobs", "list", "--sort", "failed"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("worst"));
}

TEST_F(JobsCommandsTest, RecordsAreListedWithWhatBecameOfThem) {
  v1::ListRecordsResponse response;
  v1::Record& record = *response.add_records();
  record.set_sequence(12);
  record.set_index(7);
  record.set_state(v1::RECORD_STATE_FAILED);
  record.set_input("{\"n\":1}");
  record.set_code("TOO_LARGE");
  record.mutable_process_time()->set_nanos(2'500'000);
  v1::Record& mended = *response.add_records();
  mended.set_state(v1::RECORD_STATE_COMPLETED);
  mended.set_input("rubbish");
  mended.set_outputs("{\"out\":2}");
  EXPECT_CALL(*connection_, ListRecords)
      .WillOnce([&](const v1::ListRecordsRequest& request, const auto&) {
        EXPECT_EQ(request.job_id(), "j");
        EXPECT_THAT(request.ids(), ::testing::ElementsAre("12-7", "12-8"));
        EXPECT_THAT(request.states(), ::testing::ElementsAre(v1::RECORD_STATE_FAILED));
        EXPECT_TRUE(request.with_input());
        EXPECT_EQ(request.order(), v1::RECORD_ORDER_UNSPECIFIED);
        return response;
      })
      .WillOnce([&](const v1::ListRecordsRequest& request, const auto&) {
        EXPECT_EQ(request.order(), v1::RECORD_ORDER_SLOWEST_FIRST);
        return response;
      });
  EXPECT_EQ(
      Run({"jobs", "records", "j", "--id", "12-7", "--id", "12-8", "--state", "failed", "--with-input"}, connection_),
      0)
      << err();
  EXPECT_THAT(out(), HasSubstr("12-7"));
  EXPECT_THAT(out(), HasSubstr("TOO_LARGE"));
  EXPECT_THAT(out(), HasSubstr("2.5 ms"));
  EXPECT_THAT(out(), HasSubstr("{\"n\":1}"));
  EXPECT_EQ(Run({"jobs", "records", "j", "--slowest", "--limit", "2", "-o", "json"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("\"n\": 1"));
  EXPECT_THAT(out(), HasSubstr("\"input\": \"rubbish\""));
  EXPECT_THAT(out(), HasSubstr("\"out\": 2"));
  EXPECT_THAT(out(), HasSubstr("\"truncated\": false"));
  EXPECT_EQ(Run({"jobs", "records", "j", "--slowest", "--id", "1-1"}), 2);
}

TEST_F(JobsCommandsTest, StatsShowWhatIsExpectedAndTheLargestCauses) {
  v1::JobStatistics statistics = Statistics();
  statistics.set_percent(16);
  statistics.set_total_records(600'000);
  v1::ExceptionGroup& group = *statistics.add_top_exception_groups();
  group.set_code("TOO_LARGE");
  group.set_config_hash("0123456789abcdef");
  group.set_sample_exception_id("3-9");
  group.mutable_first_time()->set_seconds(1'714'564'803);
  EXPECT_CALL(*connection_, GetJobStatistics).WillOnce(Return(statistics));
  EXPECT_EQ(Run({"jobs", "stats", "j"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("about 16.0%"));
  EXPECT_THAT(out(), HasSubstr("1,000 of about 600,000"));
  EXPECT_THAT(out(), HasSubstr("TOO_LARGE"));
  EXPECT_THAT(out(), HasSubstr("3-9"));
  EXPECT_THAT(out(), HasSubstr("0123456789ab "));
  EXPECT_THAT(out(), HasSubstr("2024-05-01 12:00:03"));
}

TEST_F(JobsCommandsTest, ShowTellsTheQueryAndHowMuchOfWhatIsExpectedIsThrough) {
  v1::Job job;
  job.set_pipeline_state(v1::PIPELINE_STATE_OPEN);
  v1::QuerySource& query = *job.mutable_source()->mutable_query();
  query.set_connection("sales");
  query.set_query("SELECT a, b FROM t");
  query.add_key_columns("a");
  query.add_key_columns("b");
  job.mutable_source_progress()->set_total_records(600'000);
  job.mutable_summary()->set_records_submitted(153'600);
  job.mutable_summary()->set_records_completed(96'000);
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(job));
  EXPECT_EQ(Run({"jobs", "show", "j"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("SELECT a, b FROM t"));
  EXPECT_THAT(out(), HasSubstr("a, b\n"));
  EXPECT_THAT(out(), HasSubstr("96,000 of about 600,000 (16%)"));
}

TEST_F(JobsCommandsTest, StatsShowTheNumbersAndTheNodes) {
  EXPECT_CALL(*connection_, GetJobStatistics).WillOnce(Return(Statistics()));
  EXPECT_EQ(Run({"jobs", "stats", "j"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("50.0%"));
  EXPECT_THAT(out(), HasSubstr("1,000 of 2,000"));
  EXPECT_THAT(out(), HasSubstr("13/s in the last 1m 20s"));
  EXPECT_THAT(out(), HasSubstr("1,234/s"));
  EXPECT_THAT(out(), HasSubstr("mass_kg"));
  EXPECT_THAT(out(), HasSubstr("62.5%"));
}

TEST_F(JobsCommandsTest, StatsShowLabelsSlowestRecordsAndWorkers) {
  v1::JobStatistics statistics = Statistics();
  statistics.mutable_summary()->set_records_held(4);
  v1::LabelCount& label = *statistics.add_labels();
  label.set_label("UNCHANGED");
  label.set_count(1'234);
  v1::SlowRecord& slow = *statistics.add_slowest_records();
  slow.set_sequence(12);
  slow.set_index(7);
  slow.set_code("TOO_LARGE");
  *slow.add_labels() = label;
  v1::WorkerStatistics& worker = *statistics.add_workers();
  worker.set_worker("server-1/thread-2");
  worker.set_compute_time_share(0.375);
  EXPECT_CALL(*connection_, GetJobStatistics).WillRepeatedly(Return(statistics));
  EXPECT_EQ(Run({"jobs", "stats", "j"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("of them held"));
  EXPECT_THAT(out(), HasSubstr("UNCHANGED  1,234"));
  EXPECT_THAT(out(), HasSubstr("12-7"));
  EXPECT_THAT(out(), HasSubstr("TOO_LARGE"));
  EXPECT_THAT(out(), HasSubstr("UNCHANGED 1,234"));
  EXPECT_THAT(out(), HasSubstr("server-1/thread-2"));
  EXPECT_THAT(out(), HasSubstr("37.5%"));
  EXPECT_EQ(Run({"jobs", "stats", "j", "-o", "json"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("slowestRecords"));
}

TEST_F(JobsCommandsTest, APictureComesAlone) {
  EXPECT_CALL(*connection_, GetJobStatistics).WillOnce([](const v1::GetJobStatisticsRequest& request, const auto&) {
    EXPECT_EQ(request.dag_format(), v1::DAG_FORMAT_DOT);
    v1::JobStatistics statistics = Statistics();
    statistics.set_dag("digraph {}\n");
    return statistics;
  });
  EXPECT_EQ(Run({"jobs", "stats", "j", "--dag", "dot"}, connection_), 0) << err();
  EXPECT_EQ(out(), "digraph {}\n");
  EXPECT_EQ(Run({"jobs", "stats", "j", "--dag", "png"}, connection_), 2);
}

TEST_F(JobsCommandsTest, ChunksAreListedWithWhatBecameOfThem) {
  v1::ListChunksResponse response;
  v1::ChunkInfo& done = *response.add_chunks();
  done.set_id("c-1");
  done.set_sequence(1);
  done.set_state(v1::CHUNK_STATE_COMMITTED);
  done.mutable_commit_time()->set_seconds(1'714'564'803);
  done.set_config_hash("0123456789abcdef");
  v1::ChunkInfo& waiting = *response.add_chunks();
  waiting.set_id("c-2");
  waiting.set_sequence(2);
  waiting.set_state(v1::CHUNK_STATE_PENDING);
  EXPECT_CALL(*connection_, ListChunks)
      .WillOnce([&](const v1::ListChunksRequest& request, const auto&) {
        EXPECT_EQ(request.job_id(), "j");
        EXPECT_TRUE(request.other_code_than_job());
        return response;
      })
      .WillOnce(Return(response));
  EXPECT_EQ(Run({"jobs", "chunks", "j", "--other-code"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("COMMITTED"));
  EXPECT_THAT(out(), HasSubstr("0123456789ab"));
  EXPECT_THAT(out(), Not(HasSubstr("0123456789abc")));
  EXPECT_THAT(out(), Not(HasSubstr("PART")));
  EXPECT_EQ(Run({"jobs", "chunks", "j", "--limit", "1", "-o", "json"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("\"truncated\": true"));
}

TEST_F(JobsCommandsTest, ChunksOfAPartAreListedWithIt) {
  EXPECT_CALL(*connection_, ListChunks).WillOnce([](const v1::ListChunksRequest& request, const auto&) {
    EXPECT_TRUE(request.has_part());
    EXPECT_EQ(request.part(), 0);
    v1::ListChunksResponse response;
    response.add_chunks()->set_part(0);
    response.add_chunks()->set_id("rerun");
    return response;
  });
  EXPECT_EQ(Run({"jobs", "chunks", "j", "--part", "0"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("PART\n"));
  EXPECT_EQ(Run({"jobs", "chunks", "j", "--part", "-1"}), 2);
}

TEST_F(JobsCommandsTest, EventsSayWhoDidWhat) {
  v1::ListJobEventsResponse response;
  v1::JobEvent& paused = *response.add_events();
  paused.set_number(7);
  paused.set_kind(v1::JOB_EVENT_KIND_STATE_CHANGED);
  paused.set_from_state(v1::JOB_STATE_IN_PROGRESS);
  paused.set_to_state(v1::JOB_STATE_PAUSED);
  paused.set_by("ann");
  paused.set_detail("slow disk");
  response.add_events()->set_kind(v1::JOB_EVENT_KIND_FIRST_EXCEPTION);
  EXPECT_CALL(*connection_, ListJobEvents).WillOnce([&](const v1::ListJobEventsRequest& request, const auto&) {
    EXPECT_EQ(request.job_id(), "j");
    return response;
  });
  EXPECT_EQ(Run({"jobs", "events", "j"}, connection_), 0) << err();
  EXPECT_THAT(out(), HasSubstr("IN_PROGRESS -> PAUSED"));
  EXPECT_THAT(out(), HasSubstr("ann"));
  EXPECT_THAT(out(), HasSubstr("slow disk"));
  EXPECT_THAT(out(), HasSubstr("FIRST_EXCEPTION"));
  EXPECT_THAT(out(), HasSubstr("server"));
}

}  // namespace
}  // namespace millrace::cli
