#include "server/execution/chunk_attempt.h"

#include <algorithm>
#include <exception>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/core/record_lines.h"
#include "server/execution/halving.h"
#include "server/execution/ordering_keys.h"
#include "server/execution/text.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

namespace record_code = core::record_code;

constexpr std::string_view kWorkerDiedMessage =
    "the server died several times in a row while it ran this record, which is therefore not run again";

class Attempt {
 public:
  Attempt(const model::Job& job, const model::ChunkInput& input, std::span<const uint64_t> keys,
          absl::FunctionRef<bool(int32_t)> is_last, RunnerCache& runners, const ChunkGuard& guard, HeldChunk& held)
      : job_(job),
        input_(input),
        keys_(keys),
        is_last_(is_last),
        runners_(runners),
        guard_(guard),
        held_(held),
        summary_(PartSummary(input.chunk.summary)) {}

  std::optional<model::ChunkOutcome> Run() {
    ++held_.attempts;
    std::vector<int32_t> left;
    if (held_.assembly.has_value()) {
      left = held_.assembly->left();
    } else {
      left.resize(static_cast<size_t>(input_.chunk.record_count));
      std::iota(left.begin(), left.end(), 0);
    }
    if (held_.attempts > 1) assembly().BeginAttempt(held_.attempts);
    for (const int32_t index : guard_.quarantined) {
      if (std::erase(left, index) > 0) FailUnrun(index, record_code::kWorkerDied, kWorkerDiedMessage, false);
    }
    // Without a second attempt nothing is put off, and one run keeps the order.
    if (keys_.empty() || job_.options.retry.max_attempts == 1) {
      RunTogether(left);
    } else {
      RunByKeys(left);
    }
    if (whole_.has_value()) return std::move(whole_);
    if (!assembly().left().empty()) return std::nullopt;
    model::ChunkOutcome whole = assembly().Finish();
    for (model::RecordFailure& failure : whole.failures) {
      if (failure.input.empty()) failure.input = std::string(lines()[static_cast<size_t>(failure.index)]);
    }
    return whole;
  }

 private:
  void RunTogether(const std::vector<int32_t>& indexes) {
    RunByHalves(indexes, {.run = [this](const auto& some) { return RunPart(some); },
                          .take = [this](const auto& some, auto outcome) { Take(some, std::move(outcome)); },
                          .blame = [this](int32_t index, const absl::Status& why) { Blame(index, why); }});
  }

  /// What a record leaves is known only after its run, and holds up those with its key: so no two of a key are in one.
  void RunByKeys(const std::vector<int32_t>& indexes) {
    absl::flat_hash_set<uint64_t> put_off;
    std::vector<std::vector<int32_t>> waves = InWaves(indexes, keys_);
    for (std::vector<int32_t>& wave : waves) {
      std::erase_if(wave, [&](int32_t index) { return put_off.contains(keys_[static_cast<size_t>(index)]); });
      if (wave.empty()) continue;
      RunTogether(wave);
      if (whole_.has_value()) return;
      for (const int32_t index : wave) {
        if (assembly().is_left(index)) put_off.insert(keys_[static_cast<size_t>(index)]);
      }
    }
  }

  absl::StatusOr<model::ChunkOutcome> RunPart(const std::vector<int32_t>& indexes) {
    const absl::StatusOr<core::ServiceRunner*> runner = runners_.Get(job_);
    if (!runner.ok()) return runner.status();
    const bool is_whole = IsWhole(indexes);
    const std::string part = is_whole ? std::string() : PartOf(indexes);
    try {
      model::ChunkOutcome outcome =
          (*runner)->Run({.json_lines = is_whole ? input_.json_lines : part,
                          .record_count = static_cast<int32_t>(indexes.size()),
                          .job_parameters_json = job_.parameters_json,
                          .chunk_parameters_json = input_.chunk.parameters_json,
                          .selected_outputs = job_.selected_outputs,
                          .summary = summary_,
                          .record_timeout = job_.options.record_timeout,
                          .random_seed = core::RandomSeed(job_.key(), input_.chunk.sequence),
                          .indexes = is_whole ? std::span<const int32_t>() : std::span<const int32_t>(indexes),
                          .running = guard_.running,
                          .answers = input_.chunk.answers});
      if (outcome.record_count == static_cast<int32_t>(indexes.size())) return outcome;
      return model::MakeError(model::Reason::kInternalError, absl::StrCat("the run speaks of ", outcome.record_count,
                                                                          " records, and there are ", indexes.size()));
    } catch (const std::exception& error) {
      // What a runner is like after that nobody knows.
      runners_.Drop(job_);
      return model::MakeError(model::Reason::kInternalError, error.what());
    }
  }

  void Take(const std::vector<int32_t>& indexes, model::ChunkOutcome outcome) {
    const bool may_pass = std::any_of(outcome.failures.begin(), outcome.failures.end(),
                                      [](const model::RecordFailure& failure) { return failure.transient; });
    const bool is_last = may_pass && is_last_(held_.attempts);
    if (!IsWhole(indexes) || (may_pass && !is_last) || held_.assembly.has_value()) {
      return assembly().Add(indexes, std::move(outcome), is_last);
    }
    // What nearly every chunk does: one run, and nothing to put together.
    DropSummaryOfFailures(input_.chunk.summary, outcome);
    whole_ = std::move(outcome);
  }

  void Blame(int32_t index, const absl::Status& why) {
    FailUnrun(index, record_code::kRunFailed,
              absl::StrCat("running the record broke the worker: ", std::string(why.message())), true);
  }

  /// Fails a record of which no run tells.
  void FailUnrun(int32_t index, std::string_view code, std::string_view message, bool transient) {
    model::ChunkOutcome failed;
    failed.record_count = 1;
    failed.json_lines = "null\n";
    failed.process_time_ns = {0};
    failed.failures.push_back({.index = index,
                               .node = "",
                               .code = std::string(code),
                               .message = CleanText(message, model::kMessageTextBytesMax),
                               .input = std::string(lines()[static_cast<size_t>(index)]),
                               .transient = transient});
    assembly().Add({index}, std::move(failed), transient && is_last_(held_.attempts));
  }

  bool IsWhole(const std::vector<int32_t>& indexes) const {
    return indexes.size() == static_cast<size_t>(input_.chunk.record_count);
  }

  std::string PartOf(const std::vector<int32_t>& indexes) {
    size_t bytes = model::kPayloadPadding;
    for (const int32_t index : indexes) bytes += lines()[static_cast<size_t>(index)].size() + 1;
    std::string part;
    part.reserve(bytes);
    for (const int32_t index : indexes) {
      part += lines()[static_cast<size_t>(index)];
      part += '\n';
    }
    return part;
  }

  const std::vector<std::string_view>& lines() {
    if (lines_.empty()) lines_ = core::LinesOf(input_.json_lines);
    return lines_;
  }

  ChunkAssembly& assembly() {
    if (!held_.assembly.has_value()) held_.assembly.emplace(input_.chunk.record_count, input_.chunk.summary);
    return *held_.assembly;
  }

  const model::Job& job_;
  const model::ChunkInput& input_;
  const std::span<const uint64_t> keys_;
  const absl::FunctionRef<bool(int32_t)> is_last_;
  RunnerCache& runners_;
  const ChunkGuard& guard_;
  HeldChunk& held_;
  const model::SummarySpec summary_;
  std::vector<std::string_view> lines_;
  std::optional<model::ChunkOutcome> whole_;
};

}  // namespace

std::optional<model::ChunkOutcome> RunAttempt(const model::Job& job, const model::ChunkInput& input,
                                              std::span<const uint64_t> keys,
                                              absl::FunctionRef<bool(int32_t attempt)> is_last, RunnerCache& runners,
                                              const ChunkGuard& guard, HeldChunk& held) {
  return Attempt(job, input, keys, is_last, runners, guard, held).Run();
}

model::ChunkOutcome LostInput(const model::Chunk& chunk, std::string_view message) {
  model::ChunkOutcome outcome;
  outcome.record_count = chunk.record_count;
  outcome.process_time_ns.assign(static_cast<size_t>(chunk.record_count), 0);
  for (int32_t index = 0; index < chunk.record_count; ++index) {
    outcome.json_lines += "null\n";
    outcome.failures.push_back({.index = index,
                                .node = "",
                                .code = std::string(record_code::kInputLost),
                                .message = CleanText(message, model::kMessageTextBytesMax),
                                .input = ""});
  }
  return outcome;
}

}  // namespace millrace::execution
