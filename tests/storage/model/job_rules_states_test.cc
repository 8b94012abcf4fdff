// Every state against every event, as one table. The diagram and the table of docs/STATE_MACHINE.md are made of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/tuning_rules.h"
#include "tests/support/describe.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsOk;

/// A column of the table: a job in some state with three chunks, of which one or two are not committed.
struct Column {
  const char* name;
  JobState state;
  CancelMode cancel_mode = CancelMode::kNone;
  /// Of a paused job: the state under the pause.
  JobState resume_state{};
};

constexpr std::array kColumns = {
    Column{"CREATED", JobState::kCreated},
    Column{"IN_PROGRESS", JobState::kInProgress},
    Column{"PAUSED at CREATED", JobState::kPaused, CancelMode::kNone, JobState::kCreated},
    Column{"PAUSED at IN_PROGRESS", JobState::kPaused, CancelMode::kNone, JobState::kInProgress},
    Column{"PAUSED at CLOSED", JobState::kPaused, CancelMode::kNone, JobState::kClosed},
    Column{"PAUSED at CLOSED_BY_TIMEOUT", JobState::kPaused, CancelMode::kNone, JobState::kClosedByTimeout},
    Column{"CLOSED", JobState::kClosed},
    Column{"CLOSED_BY_TIMEOUT", JobState::kClosedByTimeout},
    Column{"COMPLETED", JobState::kCompleted},
    Column{"COMPLETED_BY_TIMEOUT", JobState::kCompletedByTimeout},
    Column{"FAILED", JobState::kFailed},
    Column{"CANCELLED", JobState::kCancelled, CancelMode::kDrain},
    Column{"CANCELLED by force", JobState::kCancelled, CancelMode::kForce},
};

constexpr int64_t kEpoch = 2;

/// What an event is applied to.
struct World {
  Job job;
  /// One that is not committed. There is none where nothing was pushed.
  Chunk chunk;
};

absl::Status CommitOf(World& world, int32_t failed, int64_t epoch) {
  ChunkCommit commit = ExampleCommit(world.job.key(), 3, 3, failed);
  commit.epoch = epoch;
  return ApplyCommit(world.job, world.chunk, commit, kEpoch, At(9));
}

/// A row of the table: what happens, and what it leads to in each state. A cell is `→ STATE`; `stays` where the job
/// changed but not its state; `–` where nothing changed and the event succeeds; the reason where it is refused; `never`
/// where it cannot happen.
struct Row {
  const char* name;
  /// Chunks that are not committed when it happens.
  int64_t waiting;
  /// Needs a chunk, so it cannot happen before the first push.
  bool needs_chunk;
  std::function<absl::Status(World&)> apply;
  std::array<const char*, kColumns.size()> cells;
};

constexpr char kRerunRow[] = "records are run again";
constexpr char kTakeUpRow[] = "the job is taken up, chunks waiting";
constexpr char kTakeUpDoneRow[] = "the job is taken up, all committed";
constexpr char kContinueRow[] = "a sample of the source is continued";
constexpr char kClosed[] = "PIPELINE_CLOSED";
constexpr char kGone[] = "PIPELINE_CANCELLED";
constexpr char kStale[] = "LEASE_STALE";
constexpr char kNever[] = "never";
/// Before the state to which an event leads.
constexpr absl::string_view kTo = "→ ";
constexpr char kToFailed[] = "→ FAILED";
constexpr char kToCancelled[] = "→ CANCELLED";
constexpr char kToPaused[] = "→ PAUSED";
constexpr char kToTimeout[] = "→ CLOSED_BY_TIMEOUT";
constexpr char kToDone[] = "→ COMPLETED";
constexpr char kToDoneLate[] = "→ COMPLETED_BY_TIMEOUT";

const std::vector<Row>& Table() {
  const auto commit = [](World& world) { return CommitOf(world, 0, kEpoch); };
  const auto take_up = [](World& world) { return ApplyTakeUp(world.job, At(9)).status(); };
  const auto push = [](World& world) {
    return ApplyPush(world.job, {.chunks = 1, .records = 1, .bytes = 8}, At(9)).status();
  };
  // clang-format off
  static const std::vector<Row> rows = {
      {"push of new chunks", 2, false, push,
       {"→ IN_PROGRESS", "stays", "stays", "stays", kClosed, kClosed, kClosed, kClosed, kClosed, kClosed, kClosed,
        kGone, kGone}},
      {"push of duplicates only", 2, false, [](World& world) { return ApplyPush(world.job, {}, At(9)).status(); },
       {"–", "–", "–", "–", "–", "–", "–", "–", "–", "–", "–", "–", "–"}},
      {"acknowledge", 2, true,
       [](World& world) { ApplyAcknowledge(world.job, 1, 8, 3, At(9)); return absl::OkStatus(); },
       {kNever, "stays", kNever, "stays", "stays", "stays", "stays", "stays", "stays", "stays", "stays", "stays", "–"}},
      {"commit, more to come", 2, true, commit,
       {kNever, "stays", kNever, "stays", "stays", "stays", "stays", "stays", kStale, kStale, kStale, "stays", kStale}},
      {"commit of the last chunk", 1, true, commit,
       {kNever, "stays", kNever, "stays", kToDone, kToDoneLate, kToDone, kToDoneLate, kStale, kStale, kStale, "stays",
        kStale}},
      {"commit that spends the error budget", 1, true,
       [](World& world) { world.job.options.max_failed_ratio = 0.1; return CommitOf(world, 3, kEpoch); },
       {kNever, kToFailed, kNever, kToFailed, kToFailed, kToFailed, kToFailed, kToFailed, kStale, kStale, kStale,
        "stays", kStale}},
      {"first failed record under stop_on_error", 2, true,
       [](World& world) { world.job.options.stop_on_error = true; return CommitOf(world, 1, kEpoch); },
       {kNever, kToFailed, kNever, kToFailed, kToFailed, kToFailed, kToFailed, kToFailed, kStale, kStale, kStale,
        "stays", kStale}},
      {"commit by a lease from before a restart", 2, true,
       [](World& world) { return CommitOf(world, 0, kEpoch - 1); },
       {kNever, kStale, kNever, kStale, kStale, kStale, kStale, kStale, kStale, kStale, kStale, kStale, kStale}},
      {"close, chunks waiting", 2, false, [](World& world) { return ApplyClose(world.job, At(9)).status(); },
       {kToDone, "→ CLOSED", kToDone, "stays", "–", "–", "–", "–", "–", "–", kClosed, kGone, kGone}},
      {"close, all committed", 0, false, [](World& world) { return ApplyClose(world.job, At(9)).status(); },
       {kToDone, kToDone, kToDone, kToDone, kNever, kNever, kNever, kNever, "–", "–", kClosed, kGone, kGone}},
      {"the end of the source", 2, false,
       [](World& world) {
         world.job.source.kind = SourceKind::kRange;
         return ApplyPush(world.job, {}, At(9), SourcePosition{.exhausted = true}).status();
       },
       {kToDone, "→ CLOSED", kToDone, "stays", kClosed, kClosed, kClosed, kClosed, kClosed, kClosed, kClosed, kGone,
        kGone}},
      {kContinueRow, 2, false,
       [](World& world) {
         world.job.source = {.kind = SourceKind::kRange, .sample = {.first = 3}};
         world.job.source_position.exhausted = true;
         return ApplyContinue(world.job, At(9)).status();
       },
       {"stays", "stays", "stays", "stays", "stays", "stays", "→ IN_PROGRESS", "→ IN_PROGRESS", "→ IN_PROGRESS",
        "→ IN_PROGRESS", kClosed, kGone, kGone}},
      {"cancel", 2, false, [](World& world) { return ApplyCancel(world.job, "enough", false, At(9)).status(); },
       {kToCancelled, kToCancelled, kToCancelled, kToCancelled, kToCancelled, kToCancelled, kToCancelled, kToCancelled,
        kClosed, kClosed, kClosed, "–", "–"}},
      {"cancel by force", 2, false, [](World& world) { return ApplyCancel(world.job, "enough", true, At(9)).status(); },
       {kToCancelled, kToCancelled, kToCancelled, kToCancelled, kToCancelled, kToCancelled, kToCancelled, kToCancelled,
        kClosed, kClosed, kClosed, "stays", "–"}},
      {"pause", 2, false, [](World& world) { return ApplyPause(world.job, "disk full", At(9)).status(); },
       {kToPaused, kToPaused, "–", "–", "–", "–", kToPaused, kToPaused, kClosed, kClosed, kClosed, kGone, kGone}},
      {"resume", 2, false,
       [](World& world) { ApplyResume(world.job, true, At(9)); return absl::OkStatus(); },
       {"–", "–", "→ CREATED", "→ IN_PROGRESS", "→ CLOSED", kToTimeout, "–", "–", "–", "–", "–", "–", "–"}},
      {"update of metadata or version", 2, false,
       [](World& world) {
         const JobUpdate update{.version = JobUpdate::Version{"2.0.0", "version-2", "hash-2"}, .name = "anew"};
         return ApplyUpdate(world.job, update, At(9)).status();
       },
       {"stays", "stays", "stays", "stays", "stays", "stays", "stays", "stays", "stays", "stays", "stays", "stays",
        "stays"}},
      {"update of how it runs", 2, false,
       [](World& world) { return ApplyUpdate(world.job, {.weight = 9}, At(9)).status(); },
       {"stays", "stays", "stays", "stays", "stays", "stays", "stays", "stays", kClosed, kClosed, "stays", "stays",
        kGone}},
      {"idle timeout, all committed", 0, false,
       [](World& world) { ApplyIdle(world.job, At(9)); return absl::OkStatus(); },
       {kToDoneLate, kToDoneLate, "–", "–", kNever, kNever, kNever, kNever, "–", "–", "–", "–", "–"}},
      {"idle timeout, the output buffer full", 2, true,
       [](World& world) { world.job.output_buffer_used_bytes = world.job.options.output_buffer_bytes;
                          ApplyIdle(world.job, At(9)); return absl::OkStatus(); },
       {kNever, kToTimeout, kNever, "–", "–", "–", "–", "–", "–", "–", "–", "–", "–"}},
      {"idle timeout, chunks waiting for a worker", 2, true,
       [](World& world) { ApplyIdle(world.job, At(9)); return absl::OkStatus(); },
       {kNever, "–", kNever, "–", "–", "–", "–", "–", "–", "–", "–", "–", "–"}},
      {"the server finds the job broken", 2, false,
       [](World& world) { ApplyFail(world.job, "broken", At(9)); return absl::OkStatus(); },
       {kToFailed, kToFailed, kToFailed, kToFailed, kToFailed, kToFailed, kToFailed, kToFailed, "–", "–", "–", "–",
        "–"}},
      {kRerunRow, 2, true, [](World& world) { return ApplyRerun(world.job, 8, At(9)); },
       {kNever, "stays", kNever, "stays", "stays", "stays", "stays", "stays", "→ CLOSED", kToTimeout, kClosed, kGone,
        kGone}},
      {kTakeUpRow, 2, true, take_up,
       {kNever, "–", kNever, "–", "–", "–", "–", "–", "–", "–", "→ CLOSED", "→ CLOSED", kGone}},
      {kTakeUpDoneRow, 0, true, take_up,
       {kNever, "–", kNever, "–", kNever, kNever, kNever, kNever, "–", "–", kToDone, kToDone, kGone}},
      {"a failed record is discarded", 2, true,
       [](World& world) { ApplyDiscard(world.job, false, At(9)); return absl::OkStatus(); },
       {kNever, "stays", kNever, "stays", "stays", "stays", "stays", "stays", "stays", "stays", "stays", "stays",
        "stays"}},
  };
  // clang-format on
  return rows;
}

World WorldOf(const Column& column, int64_t waiting) {
  World world;
  Job& job = world.job;
  job = ExampleJob();
  ApplyCreate(job, kEpoch, At(0));
  world.chunk.sequence = 3;
  world.chunk.record_count = 3;
  const JobState state = column.state == JobState::kPaused ? column.resume_state : column.state;
  if (state != JobState::kCreated) {
    EXPECT_THAT(ApplyPush(job, {.chunks = 3, .records = 9, .bytes = 72}, At(1)), IsOk());
    const bool completed = column.state == JobState::kCompleted || column.state == JobState::kCompletedByTimeout;
    job.counters.chunks_completed = completed ? 3 : 3 - waiting;
    job.last_result = 1;
  }
  job.state = column.state;
  job.cancel_mode = column.cancel_mode;
  job.resume_state = column.resume_state;
  if (state == JobState::kClosed || state == JobState::kClosedByTimeout) job.input_close_time = At(2);
  return world;
}

/// Applies the event of a row in the state of a column, and says what came of it as a cell does.
std::string Happens(const Row& row, const Column& column) {
  World world = WorldOf(column, row.waiting);
  const JobState under_pause = StateUnderPause(world.job);
  const bool drained = under_pause == JobState::kClosed || under_pause == JobState::kClosedByTimeout;
  if (row.needs_chunk && world.job.last_sequence == 0) return kNever;
  // Such a job would have completed.
  if (drained && row.waiting == 0) return kNever;
  const JobState from = world.job.state;
  Job unchanged = world.job;
  const absl::Status applied = row.apply(world);
  // The options that an event needs are part of the event.
  unchanged.options = world.job.options;
  const bool changed = Describe(world.job) != Describe(unchanged) &&
                       (world.job.update_time != unchanged.update_time || world.job.state != from);
  if (!applied.ok()) {
    EXPECT_FALSE(changed) << row.name << " was refused in " << column.name << " but changed the job";
    return std::string(ReasonName(DetailsOf(applied).reason));
  }
  if (world.job.state != from) return absl::StrCat("→ ", std::string(JobStateName(world.job.state)));
  return changed ? "stays" : "–";
}

TEST(JobStatesTest, EachEventLeadsWhereTheTableSays) {
  for (const Row& row : Table()) {
    for (size_t i = 0; i < kColumns.size(); ++i) {
      EXPECT_EQ(Happens(row, kColumns[i]), row.cells[i]) << row.name << " in " << kColumns[i].name;
    }
  }
}

std::string TableText() {
  std::string head = "| event |";
  std::string rule = "| --- |";
  for (const Column& column : kColumns) {
    absl::StrAppend(&head, " ", column.name, " |");
    absl::StrAppend(&rule, " --- |");
  }
  std::string text = absl::StrCat(head, "\n", rule, "\n");
  for (const Row& row : Table()) {
    absl::StrAppend(&text, "| ", row.name, " |");
    for (const char* cell : row.cells) absl::StrAppend(&text, " ", cell, " |");
    absl::StrAppend(&text, "\n");
  }
  return text;
}

/// The states and the cells that lead from one to another.
std::string DiagramText() {
  std::vector<std::pair<std::string, std::string>> order;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> events;
  for (size_t i = 0; i < kColumns.size(); ++i) {
    for (const Row& row : Table()) {
      const std::string cell = row.cells[i];
      if (!absl::StartsWith(cell, kTo)) continue;
      const std::pair edge(std::string(JobStateName(kColumns[i].state)), cell.substr(kTo.size()));
      std::vector<std::string>& labels = events[edge];
      if (labels.empty()) order.push_back(edge);
      if (std::ranges::find(labels, row.name) == labels.end()) labels.emplace_back(row.name);
    }
  }
  std::string text = "```mermaid\nstateDiagram-v2\n    [*] --> CREATED : create\n";
  for (const auto& edge : order) {
    absl::StrAppend(&text, "    ", edge.first, " --> ", edge.second, " : ", absl::StrJoin(events.at(edge), " / "),
                    "\n");
  }
  for (const JobState state :
       {JobState::kCompleted, JobState::kCompletedByTimeout, JobState::kFailed, JobState::kCancelled}) {
    absl::StrAppend(&text, "    ", std::string(JobStateName(state)), " --> [*]\n");
  }
  return text + "```\n";
}

/// What the document has between two marks is `text`; with MILLRACE_WRITE_DOCS in the environment, it is made so.
void ExpectInDocument(const std::string& what, const std::string& text) {
  const std::string path = std::string(MILLRACE_SOURCE_FOLDER) + "/docs/STATE_MACHINE.md";
  const std::string begin_mark = absl::StrCat(
      "<!-- The ", what, ", made by tests/storage/model/job_rules_states_test.cc: ./tools/dev gen docs -->\n");
  const std::string end_mark = absl::StrCat("<!-- End of the ", what, ". -->\n");
  std::ifstream file(path);
  std::string document{std::istreambuf_iterator<char>(file), {}};
  const size_t mark = document.find(begin_mark);
  const size_t end = document.find(end_mark);
  ASSERT_TRUE(mark != std::string::npos && end != std::string::npos && mark < end) << "the marks are gone";
  const size_t begin = mark + begin_mark.size();
  if (std::getenv("MILLRACE_WRITE_DOCS") != nullptr) {
    document.replace(begin, end - begin, text);
    std::ofstream(path) << document;
    return;
  }
  EXPECT_TRUE(document.substr(begin, end - begin) == text)
      << "docs/STATE_MACHINE.md does not have the " << what << " of the rules; ./tools/dev gen docs writes it";
}

TEST(JobStatesTest, TheDocumentShowsThisDiagram) { ExpectInDocument("diagram", DiagramText()); }

TEST(JobStatesTest, TheDocumentShowsThisTable) { ExpectInDocument("table", TableText()); }

TEST(JobStatesTest, FinalStatesAreThoseThatOnlyMoreWorkForTheJobLeaves) {
  for (size_t i = 0; i < kColumns.size(); ++i) {
    bool left = false;
    for (const Row& row : Table()) {
      const std::string_view name = row.name;
      const bool is_more = name == kRerunRow || name == kContinueRow || name == kTakeUpRow || name == kTakeUpDoneRow;
      if (!is_more) left = left || std::string_view(row.cells[i]).substr(0, 3) == "→";
    }
    EXPECT_EQ(IsFinal(kColumns[i].state), !left) << kColumns[i].name;
  }
}

TEST(JobStatesTest, InputIsTakenWherePushIsWelcome) {
  for (const Column& column : kColumns) {
    const std::string push = Happens(Table().front(), column);
    EXPECT_EQ(TakesInput(WorldOf(column, 2).job), push == "stays" || push == "→ IN_PROGRESS") << column.name;
  }
}

TEST(JobStatesTest, DispatchNeedsAnUnfinishedJobThatIsStartedAndNotPaused) {
  for (const Column& column : kColumns) {
    const bool expected = column.state == JobState::kInProgress || column.state == JobState::kClosed ||
                          column.state == JobState::kClosedByTimeout;
    EXPECT_EQ(MayDispatch(column.state), expected) << column.name;
  }
}

TEST(JobStatesTest, OnlyAnOpenJobThatCannotGoOnByItselfWaitsForItsClient) {
  for (const Column& column : kColumns) {
    World world = WorldOf(column, 2);
    const bool open = column.state == JobState::kCreated || column.state == JobState::kInProgress;
    world.job.output_buffer_used_bytes = world.job.options.output_buffer_bytes;
    EXPECT_EQ(WaitsForClient(world.job, 0), open) << column.name;
    EXPECT_FALSE(WaitsForClient(world.job, 1)) << column.name;
  }
}

}  // namespace
}  // namespace millrace::model
