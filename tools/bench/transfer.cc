#include "tools/bench/transfer.h"

#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tools/bench/records.h"

namespace millrace::bench {
namespace {

// A search a line is ten times as fast as a look at every byte; the reader shares its cores with the server.
int64_t CountLines(std::string_view text) {
  int64_t lines = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) ++lines;
  return lines;
}

/// What is read back, checked as it comes.
struct Ledger {
  int64_t results = 0;
  int64_t records = 0;
  double total = 0;

  absl::Status Add(const v1::ChunkResult& result) {
    if (result.number() != results + 1) {
      return absl::DataLossError(absl::StrCat("expected result ", results + 1, ", got ", result.number()));
    }
    if (result.failed_count() > 0) {
      return absl::InternalError(absl::StrCat("a record failed: ", result.errors(0).message()));
    }
    if (CountLines(result.json_lines()) != result.record_count()) {
      return absl::DataLossError("a result has other lines than records");
    }
    ++results;
    records += result.record_count();
    if (result.summary_size() > 0) total += result.summary(0).value();
    return absl::OkStatus();
  }
};

/// When each chunk was sent, and when its result came.
class Times {
 public:
  explicit Times(int64_t count) : sent_(static_cast<size_t>(count)) { latencies_.reserve(sent_.size()); }

  void Sent(int64_t index) {
    absl::MutexLock lock(&mutex_);
    sent_[static_cast<size_t>(index)] = Seconds();
  }
  void Came(int64_t sequence) {
    absl::MutexLock lock(&mutex_);
    latencies_.push_back(Seconds() - sent_[static_cast<size_t>(sequence - 1)]);
  }
  /// Nothing more will come.
  void Stop() {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  /// Waits until `count` results are in hand. False when no more will come.
  bool AwaitResults(int64_t count) {
    absl::MutexLock lock(&mutex_);
    const auto come = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return stopped_ || static_cast<int64_t>(latencies_.size()) >= count;
    };
    mutex_.Await(absl::Condition(&come));
    return static_cast<int64_t>(latencies_.size()) >= count;
  }
  std::vector<double> TakeLatencies() {
    absl::MutexLock lock(&mutex_);
    return std::move(latencies_);
  }

 private:
  absl::Mutex mutex_;
  std::vector<double> sent_ ABSL_GUARDED_BY(mutex_);
  std::vector<double> latencies_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

absl::StatusOr<Ledger> ReadAll(client::Pipeline& pipeline, client::PullerOptions options,
                               const std::function<void(const v1::ChunkResult&)>& seen) {
  absl::StatusOr<std::unique_ptr<client::Puller>> puller = pipeline.NewPuller(std::move(options));
  if (!puller.ok()) return puller.status();
  Ledger ledger;
  for (;;) {
    absl::StatusOr<std::optional<v1::ChunkResult>> result = (*puller)->Next();
    if (!result.ok()) return result.status();
    if (!result->has_value()) return ledger;
    seen(**result);
    if (absl::Status status = ledger.Add(**result); !status.ok()) return status;
  }
}

absl::Status PushAll(client::Pipeline& pipeline, const std::vector<std::string>& chunks, const TransferOptions& options,
                     Times& times) {
  absl::StatusOr<std::unique_ptr<client::Pusher>> pusher = pipeline.NewPusher();
  if (!pusher.ok()) return pusher.status();
  for (int64_t i = 0; i < options.count; ++i) {
    v1::Chunk chunk;
    chunk.mutable_data()->mutable_inputs()->set_json_lines(chunks[static_cast<size_t>(i) % chunks.size()]);
    if (options.check_total) {
      v1::Aggregation& sum = *chunk.mutable_data()->mutable_summary()->add_aggregations();
      sum.set_output_name("total");
      sum.set_operator_(v1::SUM);
    }
    // The wait is over before the clock starts.
    if (options.pace == Pace::kAfterAcknowledgement) {
      if (absl::Status status = (*pusher)->Flush(); !status.ok()) return status;
    }
    if (options.pace == Pace::kAfterResult && !times.AwaitResults(i)) {
      return absl::InternalError("the results ended early");
    }
    times.Sent(i);
    if (const auto id = (*pusher)->Push(std::move(chunk)); !id.ok()) return id.status();
  }
  return (*pusher)->Flush();
}

absl::Status Check(const Ledger& ledger, int64_t count, const TransferOptions& options) {
  if (ledger.results != count) {
    return absl::DataLossError(absl::StrCat("pushed ", count, " chunks, read back ", ledger.results));
  }
  const double expected = options.expected_total;
  if (options.check_total && std::abs(ledger.total - expected) > std::abs(expected) * 1e-9) {
    return absl::DataLossError(absl::StrCat("expected a total of ", expected, ", read back ", ledger.total));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TransferReport> Transfer(Stand& stand, client::Pipeline& pipeline,
                                        const std::vector<std::string>& chunks, const TransferOptions& options) {
  const absl::StatusOr<client::Client> reader = stand.NewClient();
  if (!reader.ok()) return reader.status();
  absl::StatusOr<client::Pipeline> read_end = client::Pipeline::Attach(*reader, pipeline.id());
  if (!read_end.ok()) return read_end.status();

  Times times(options.count);
  const double begin = Seconds();
  absl::StatusOr<Ledger> ledger = absl::UnknownError("nothing was read");
  std::thread read([&] {
    ledger = ReadAll(*read_end, {.page_size = 100}, [&](const auto& result) { times.Came(result.sequence()); });
    times.Stop();
  });
  const absl::Status pushed = PushAll(pipeline, chunks, options, times);
  const double push_seconds = Seconds() - begin;
  // Where the push broke, the reader must not wait for ever.
  const absl::Status closed =
      pushed.ok() ? pipeline.Close().status() : pipeline.Cancel("the push failed", true).status();
  read.join();
  const double seconds = Seconds() - begin;
  if (!pushed.ok()) return pushed;
  if (!closed.ok()) return closed;
  if (!ledger.ok()) return ledger.status();
  if (absl::Status status = Check(*ledger, options.count, options); !status.ok()) return status;
  return TransferReport{
      .records = ledger->records, .seconds = seconds, .push_seconds = push_seconds, .latencies = times.TakeLatencies()};
}

absl::StatusOr<double> ReadAgain(Stand& stand, const client::Pipeline& pipeline, int64_t records) {
  const absl::StatusOr<client::Client> reader = stand.NewClient();
  if (!reader.ok()) return reader.status();
  absl::StatusOr<client::Pipeline> read_end = client::Pipeline::Attach(*reader, pipeline.id());
  if (!read_end.ok()) return read_end.status();
  const double begin = Seconds();
  const absl::StatusOr<Ledger> ledger = ReadAll(*read_end, {.after = 0}, [](const auto&) {});
  if (!ledger.ok()) return ledger.status();
  if (ledger->records != records) {
    return absl::DataLossError(absl::StrCat("read ", ledger->records, " of ", records, " records again"));
  }
  return Seconds() - begin;
}

absl::StatusOr<TransferReport> TransferFormulaA(Stand& stand, const std::vector<std::string>& chunks, int64_t records) {
  const int64_t count = records / kChunkRecords;
  absl::StatusOr<client::Pipeline> pipeline = stand.CreatePipeline(kServiceA);
  if (!pipeline.ok()) return pipeline.status();
  return Transfer(stand, *pipeline, chunks,
                  {.count = count, .check_total = true, .expected_total = ExpectedTotal(chunks, count)});
}

absl::StatusOr<double> MicrosOfAChunk(Stand& stand, const std::vector<std::string>& chunks, int64_t records) {
  const absl::StatusOr<TransferReport> done = TransferFormulaA(stand, chunks, records);
  if (!done.ok()) return done.status();
  return done->seconds * 1e6 * kChunkRecords / static_cast<double>(done->records);
}

}  // namespace millrace::bench
