#include "storage/store/rocks_exceptions.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/model/commit_rules.h"
#include "storage/model/limits.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_page_token.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::BlockPlace;
using format::Family;
using model::ExceptionGroup;
using model::RecordException;

constexpr std::string_view kList = "exceptions";

// A block is what a page reads at once: large enough to compress well and to spare keys, small enough that a page does
// not read much in vain.
constexpr size_t kBlockExceptionsMax = 64;
constexpr size_t kBlockBytesMax = 256 * 1024;

ExceptionGroup EmptyGroup(const RecordException& exception) {
  return exception.fingerprint == model::kOtherFingerprint ? model::MakeOtherGroup() : model::MakeGroup(exception);
}

/// True when `exception` comes behind `place`.
bool IsBehind(const RecordException& exception, const BlockPlace& place) {
  return exception.sequence > place.sequence || (exception.sequence == place.sequence && exception.index > place.last);
}

const RecordException* Find(const std::vector<RecordException>& block, const model::RecordPlace& place) {
  const auto found = std::ranges::find(block, place, &RecordException::place);
  return found == block.end() ? nullptr : &*found;
}

/// The block with the exception of this record. EXCEPTION_NOT_FOUND.
absl::StatusOr<std::vector<RecordException>> ReadBlock(const engine::Engine& engine, const model::JobKey& key,
                                                       const model::RecordPlace& place) {
  const auto range = format::ExceptionBlocksFrom(key, place.sequence, place.index);
  const auto cursor = Scan(engine, Family::kExceptions, range);
  if (!cursor->valid()) return cursor->status().ok() ? ExceptionNotFound(key, place) : cursor->status();
  absl::StatusOr<std::vector<RecordException>> block = format::DecodeExceptionBlock(cursor->value());
  if (block.ok() && Find(*block, place) == nullptr) return ExceptionNotFound(key, place);
  return block;
}

/// Fills a page with exceptions, and notes when there is one more.
class PageFiller {
 public:
  PageFiller(const ListExceptionsQuery& query, const BlockPlace& behind) : query_(query), behind_(behind) {}

  /// False when the page is full and nothing more has to be read.
  bool Take(std::vector<RecordException> block) {
    for (RecordException& exception : block) {
      if (!IsBehind(exception, behind_)) continue;
      if (!query_.Wants(exception)) continue;
      bytes_ += static_cast<int64_t>(exception.input.size());
      const bool full = page_.items.size() == static_cast<size_t>(query_.page_size);
      if (full || (!page_.items.empty() && bytes_ > query_.bytes_max)) {
        const RecordException& last = page_.items.back();
        page_.next_token = MakePageToken(kList, format::ExceptionBlockKey(query_.job, {last.sequence, last.index}));
        return false;
      }
      page_.items.push_back(std::move(exception));
    }
    return true;
  }

  Page<RecordException> TakePage() { return std::move(page_); }

 private:
  const ListExceptionsQuery& query_;
  const BlockPlace behind_;
  Page<RecordException> page_;
  int64_t bytes_ = 0;
};

/// The exception behind which a page begins.
absl::StatusOr<BlockPlace> ReadPlace(const ListExceptionsQuery& query) {
  if (query.token.empty()) return BlockPlace{query.after.sequence, query.after.index};
  const absl::StatusOr<std::string> key = ReadPageToken(kList, query.token);
  if (!key.ok()) return key.status();
  const std::optional<BlockPlace> place = format::ParseBlockPlace(*key);
  if (!place.has_value() || *key != format::ExceptionBlockKey(query.job, *place)) return PageTokenInvalid();
  return *place;
}

/// Fills in what was done about the exceptions of a block.
absl::Status AddResolutions(const engine::Engine& engine, const model::Job& job, std::vector<RecordException>& block) {
  if (block.empty()) return absl::OkStatus();
  const auto range = format::ResolutionsBetween(job.key(), block.front().place(), block.back().place());
  const auto cursor = Scan(engine, Family::kExceptions, range);
  auto at = block.begin();
  for (; cursor->valid(); cursor->Next()) {
    const std::optional<model::RecordPlace> place = format::ParseResolutionKey(cursor->key());
    if (!place.has_value()) return CorruptKey();
    at = std::find_if(at, block.end(), [&](const RecordException& exception) { return exception.place() == *place; });
    if (at == block.end()) return CorruptKey();
    absl::StatusOr<model::Resolution> resolution = format::DecodeResolution(cursor->value());
    if (!resolution.ok()) return resolution.status();
    at->resolution = *std::move(resolution);
    at->resolution.state = model::StateOf(job, at->resolution);
  }
  return cursor->status();
}

/// See JobStore::GetException.
absl::StatusOr<RecordException> ReadException(const engine::Engine& engine, const model::Job& job,
                                              const model::RecordPlace& place) {
  absl::StatusOr<std::vector<RecordException>> block = ReadBlock(engine, job.key(), place);
  if (!block.ok()) return block.status();
  std::erase_if(*block, [&](const RecordException& exception) { return exception.place() != place; });
  if (absl::Status added = AddResolutions(engine, job, *block); !added.ok()) return added;
  return std::move(block->front());
}

/// See JobStore::ListExceptions.
absl::StatusOr<Page<RecordException>> ReadPage(const engine::Engine& engine, const model::Job& job,
                                               const ListExceptionsQuery& query) {
  const absl::StatusOr<BlockPlace> behind = ReadPlace(query);
  if (!behind.ok()) return behind.status();
  PageFiller filler(query, *behind);
  const bool all = query.fingerprint.empty();
  const format::KeyRange range =
      all ? format::ExceptionBlocksFrom(query.job, behind->sequence, behind->last)
          : format::FingerprintsFrom(query.job, query.fingerprint, behind->sequence, behind->last);
  const auto cursor = Scan(engine, Family::kExceptions, range);
  for (; cursor->valid(); cursor->Next()) {
    std::optional<std::string> pointed_at;
    if (!all) {
      const std::optional<BlockPlace> place = format::ParseBlockPlace(cursor->key());
      if (!place.has_value()) return CorruptKey();
      auto row = engine.Get(At(Family::kExceptions), format::ExceptionBlockKey(query.job, *place));
      if (!row.ok()) return row.status();
      pointed_at = row->value_or("");
    }
    absl::StatusOr<std::vector<RecordException>> block =
        format::DecodeExceptionBlock(all ? cursor->value() : std::string_view(*pointed_at));
    if (!block.ok()) return block.status();
    if (absl::Status added = AddResolutions(engine, job, *block); !added.ok()) return added;
    if (!filler.Take(*std::move(block))) break;
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return filler.TakePage();
}

/// See JobStore::ListExceptionGroups.
absl::StatusOr<std::vector<ExceptionGroup>> ReadGroups(const engine::Engine& engine, const model::JobKey& key) {
  std::vector<ExceptionGroup> groups;
  const auto cursor = Scan(engine, Family::kExceptions, format::ExceptionGroups(key));
  for (; cursor->valid(); cursor->Next()) {
    absl::StatusOr<ExceptionGroup> group = format::DecodeExceptionGroup(cursor->value());
    if (!group.ok()) return group.status();
    groups.push_back(*std::move(group));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  std::sort(groups.begin(), groups.end(), model::ComesBefore);
  return groups;
}

}  // namespace

void CountSettled(LaneJob* job, GroupMap& groups, const std::string& fingerprint) {
  const auto group = groups.find(fingerprint);
  if (group == groups.end()) return;
  group->second.settled_count += 1;
  job->changed_groups.insert(fingerprint);
}

PreparedExceptions::PreparedExceptions(std::vector<RecordException> exceptions) : exceptions_(std::move(exceptions)) {
  Arrange();
}

void PreparedExceptions::Arrange() {
  blocks_.clear();
  additions_.clear();
  bytes_ = 0;
  std::vector<RecordException> block;
  size_t block_bytes = 0;
  for (const RecordException& exception : exceptions_) {
    auto addition = std::find_if(additions_.begin(), additions_.end(), [&](const ExceptionGroup& group) {
      return group.fingerprint == exception.fingerprint;
    });
    if (addition == additions_.end()) addition = additions_.insert(addition, EmptyGroup(exception));
    model::AddToGroup(*addition, exception);

    block.push_back(exception);
    block_bytes += exception.input.size();
    if (block.size() == kBlockExceptionsMax || block_bytes >= kBlockBytesMax) {
      AddBlock(std::exchange(block, {}));
      block_bytes = 0;
    }
  }
  if (!block.empty()) AddBlock(std::move(block));
}

void PreparedExceptions::AddBlock(std::vector<RecordException> exceptions) {
  Block& block = blocks_.emplace_back();
  block.last = exceptions.back().index;
  block.row = format::EncodeExceptionBlock(exceptions);
  for (const RecordException& exception : exceptions) block.fingerprints.push_back(exception.fingerprint);
  std::sort(block.fingerprints.begin(), block.fingerprints.end());
  block.fingerprints.erase(std::unique(block.fingerprints.begin(), block.fingerprints.end()), block.fingerprints.end());
  bytes_ += block.row.size();
}

void PreparedExceptions::MoveToOther(const absl::flat_hash_set<std::string>& fingerprints) {
  for (RecordException& exception : exceptions_) {
    if (fingerprints.contains(exception.fingerprint)) exception.fingerprint = std::string(model::kOtherFingerprint);
  }
  Arrange();
}

void PreparedExceptions::Write(Group& group, LaneJob* job, GroupMap* groups) {
  int64_t room = model::kExceptionGroupsPerJobMax - static_cast<int64_t>(groups->size());
  absl::flat_hash_set<std::string> homeless;
  for (const ExceptionGroup& addition : additions_) {
    if (!groups->contains(addition.fingerprint) && room-- <= 0) homeless.insert(addition.fingerprint);
  }
  if (!homeless.empty()) MoveToOther(homeless);

  const model::JobKey key = job->job->key();
  for (const ExceptionGroup& addition : additions_) {
    const auto [at, is_new] = groups->try_emplace(addition.fingerprint, addition);
    if (!is_new) {
      at->second.count += addition.count;
      at->second.last_time = addition.last_time;
    }
    job->changed_groups.insert(addition.fingerprint);
  }
  const int64_t sequence = exceptions_.front().sequence;
  for (const Block& block : blocks_) {
    const BlockPlace place{sequence, block.last};
    group.PutUnread(Family::kExceptions, format::ExceptionBlockKey(key, place), block.row);
    for (const std::string& fingerprint : block.fingerprints) {
      group.PutUnread(Family::kExceptions, format::FingerprintKey(key, fingerprint, place), "");
    }
  }
}

absl::StatusOr<Page<RecordException>> RocksJobStore::ListExceptions(const ListExceptionsQuery& query) const {
  const absl::StatusOr<model::JobPtr> job = GetJob(query.job);
  if (!job.ok()) return job.status();
  return Held(query.job, ReadPage(*engine_, **job, query));
}

absl::StatusOr<std::vector<ExceptionTraits>> ReadTraits(const engine::Engine& engine, const model::JobKey& key,
                                                        const std::vector<model::RecordPlace>& places) {
  std::vector<ExceptionTraits> traits;
  traits.reserve(places.size());
  absl::StatusOr<std::vector<RecordException>> block = std::vector<RecordException>();
  for (const model::RecordPlace& place : places) {
    if (Find(*block, place) == nullptr) block = ReadBlock(engine, key, place);
    if (!block.ok()) return block.status();
    const RecordException& exception = *Find(*block, place);
    traits.push_back({exception.fingerprint, exception.held});
  }
  return traits;
}

absl::StatusOr<RecordException> RocksJobStore::GetException(const model::JobKey& key,
                                                            const model::RecordPlace& place) const {
  const absl::StatusOr<model::JobPtr> job = GetJob(key);
  if (!job.ok()) return job.status();
  return Held(key, ReadException(*engine_, **job, place));
}

absl::StatusOr<std::vector<ExceptionGroup>> RocksJobStore::ListExceptionGroups(const model::JobKey& key) const {
  return Held(key, ReadGroups(*engine_, key));
}

}  // namespace millrace::store
