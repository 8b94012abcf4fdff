#include "storage/maintenance/audit.h"

#include <string>

#include "storage/format/rows.h"
#include "tests/storage/maintenance/maintenance_fixture.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using store::At;

class AuditTest : public MaintenanceTest {
 protected:
  void ExpectFound(const std::string& text) {
    const std::string findings = Findings();
    EXPECT_NE(findings.find(text), std::string::npos) << "expected: " << text << "\nfound:\n" << findings;
  }

  void Delete(Family family, const std::string& key) {
    Break([&](engine::Engine&, engine::WriteUnit& unit) { unit.Delete(At(family), key); });
  }
};

TEST_F(AuditTest, AStoreThatWorkedIsSound) {
  EXPECT_EQ(Findings(), "");
  const AuditReport report = RunAudit();
  EXPECT_EQ(report.jobs, 4);
  EXPECT_GT(report.rows, 40);
  EXPECT_EQ(report.unknown_rows, 0);
}

TEST_F(AuditTest, LookingChangesNothing) {
  RunAudit();
  Open();
  EXPECT_EQ(store_->epoch(), 2) << "only the two openings of the store count";
}

TEST_F(AuditTest, JobsThatHaveEndedAreListedOnceEach) {
  Break([&](engine::Engine& engine, engine::WriteUnit& unit) {
    const model::JobPtr job = *store::LoadJob(engine, Key("job-2"));
    const absl::Time later = job->complete_time + absl::Seconds(1);
    unit.Delete(At(Family::kIndex), format::JobByEndKey(job->tenant, job->complete_time, job->id));
    unit.Put(At(Family::kIndex), format::JobByEndKey(job->tenant, later, job->id), "");
  });
  ExpectFound(
      "job by end default complete_time=2024-01-01T00:00:00+00:00 job_id=job-2: the job has ended, but is not listed");
  ExpectFound("job by end default complete_time=2024-01-01T00:00:01+00:00 job_id=job-2: no such job has ended then");
  // A server that does not know the list had the folder last.
  Delete(Family::kMeta, std::string(format::kEndsEpochKey));
  EXPECT_EQ(Findings(), "");
}

TEST_F(AuditTest, AMissingChunkIsFound) {
  Delete(Family::kChunks, format::ChunkKey(Key("job-1"), 2));
  ExpectFound("chunk default/job-1 3: chunk 2 was expected here");
  ExpectFound("its count of completed chunks is 2, but its rows give 1");
}

TEST_F(AuditTest, AMissingInputOfAChunkThatMustRunIsFound) {
  Delete(Family::kInputs, format::ChunkKey(Key("job-1"), 1));
  ExpectFound("chunk default/job-1 1: its input is missing");
}

TEST_F(AuditTest, AnInputThatIsNotWhatWasPushedIsFound) {
  Break([&](engine::Engine& engine, engine::WriteUnit& unit) {
    const auto other = engine.Get(At(Family::kInputs), format::ChunkKey(Key("job-1"), 1));
    std::string damaged = **other;
    damaged[damaged.size() / 2] ^= 1;
    unit.Put(At(Family::kInputs), format::ChunkKey(Key("job-1"), 1), damaged);
  });
  ExpectFound("chunk default/job-1 1: its input");
}

TEST_F(AuditTest, AMissingResultIsFound) {
  Delete(Family::kResults, format::ResultKey(Key("job-2"), 2));
  ExpectFound("result default/job-2 3: result 2 was expected here");
  ExpectFound("its newest result is 3, but its rows give 2");
}

TEST_F(AuditTest, AMissingExceptionIsFound) {
  Delete(Family::kExceptions, format::ExceptionBlockKey(Key("job-1"), {2, 0}));
  ExpectFound("its count of failed records is 4, but its rows give 3");
  ExpectFound("chunk default/job-1 2: the failed records of its result and its exceptions are not the same");
}

TEST_F(AuditTest, AWrongWatermarkIsFound) {
  Break([&](engine::Engine& engine, engine::WriteUnit& unit) {
    model::Job job = **store::LoadJob(engine, Key("job-1"));
    job.watermark = 3;
    unit.Put(At(Family::kJobs), format::JobProgressKey(Key("job-1")), format::EncodeJobProgress(job));
  });
  ExpectFound("its watermark is 3, but its rows give 0");
}

TEST_F(AuditTest, AnUnfinishedJobThatAStartWouldForgetIsFound) {
  Delete(Family::kIndex, format::UnfinishedJobKey(Key("job-4")));
  ExpectFound("job default/job-4: it is not among the unfinished jobs, and its state is CREATED");
}

TEST_F(AuditTest, SumsThatAreNotThoseOfTheJobsAreFound) {
  const format::TenantService service{std::string(millrace::testing::kTenant),
                                      std::string(millrace::testing::kService)};
  Break([&](engine::Engine&, engine::WriteUnit& unit) {
    unit.Put(At(Family::kIndex), format::EndedSumsKey(service), format::EncodeJobSums({.records_submitted = 7}));
  });
  ExpectFound("sums of ended jobs: they are not what the jobs add up to");
  // A server that does not know them has no part in them, and the next one counts anew.
  Break([&](engine::Engine&, engine::WriteUnit& unit) {
    unit.Put(At(Family::kMeta), format::kEpochKey, format::EncodeMetaNumber(9));
  });
  EXPECT_EQ(Findings(), "");
}

TEST_F(AuditTest, ARowWithoutItsJobIsFound) {
  Break([&](engine::Engine&, engine::WriteUnit& unit) {
    unit.Put(At(Family::kResults), format::ResultKey(Key("gone"), 1), "x");
  });
  ExpectFound("result default/gone number=1: it belongs to a job that does not exist");
}

TEST_F(AuditTest, AnIndexRowThatLeadsNowhereIsFound) {
  Delete(Family::kServices,
         format::ServiceVersionKey(millrace::testing::kTenant, millrace::testing::kService, "1.0.0"));
  ExpectFound("what it leads to does not exist");
}

TEST_F(AuditTest, BytesThatAreNoRowAreFoundWhereverTheyStand) {
  for (const auto& [family, key] : {std::pair{Family::kJobs, format::JobProgressKey(Key("job-1"))},
                                    std::pair{Family::kChunks, format::ChunkKey(Key("job-1"), 1)},
                                    std::pair{Family::kResults, format::ResultKey(Key("job-1"), 1)},
                                    std::pair{Family::kStatistics, format::StatisticsKey(Key("job-1"))},
                                    std::pair{Family::kExceptions, format::ExceptionBlockKey(Key("job-1"), {2, 0})}}) {
    std::string before;
    Break([&, f = family, k = key](engine::Engine& engine, engine::WriteUnit& unit) {
      before = (*engine.Get(At(f), k)).value_or("");
      unit.Put(At(f), k, "\xff\xff\xff");
    });
    EXPECT_FALSE(RunAudit().sound()) << format::kFamilies[At(family)].name;
    Break([&, f = family, k = key](engine::Engine&, engine::WriteUnit& unit) { unit.Put(At(f), k, before); });
  }
}

TEST_F(AuditTest, AKindOfANewerVersionIsCountedAndNotBlamed) {
  Break([&](engine::Engine&, engine::WriteUnit& unit) {
    std::string key = format::JobDefinitionKey(Key("job-1"));
    key.back() = 'z';
    unit.Put(At(Family::kJobs), key, "new");
  });
  const AuditReport report = RunAudit();
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.unknown_rows, 1);
}

TEST_F(AuditTest, AFolderThatIsOpenIsRefusedInPlainWords) {
  Open();
  const auto engine = OpenDataFolder(data());
  ASSERT_FALSE(engine.ok());
  EXPECT_NE(std::string(engine.status().message()).find("is in use"), std::string::npos) << engine.status();
}

}  // namespace
}  // namespace millrace::maintenance
