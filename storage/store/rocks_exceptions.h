// The exceptions of a commit, put in the form in which they are stored: on the caller's thread, so that the lane has
// nothing to do for each record.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/store/rocks_group.h"

namespace millrace::store {

/// The exceptions of one chunk.
class PreparedExceptions {
 public:
  /// `exceptions` by index.
  explicit PreparedExceptions(std::vector<model::RecordException> exceptions);

  /// What they write, about.
  size_t bytes() const { return bytes_; }
  bool empty() const { return exceptions_.empty(); }

  /// Puts them and their groups into `group`. `groups` are those of the job; once they are as many as a job may have,
  /// the others go to the group with kOtherFingerprint.
  void Write(Group& group, LaneJob* job, GroupMap* groups);

 private:
  /// Some exceptions in one row.
  struct Block {
    /// The index of the last of them.
    int32_t last = 0;
    std::string row;
    std::vector<std::string> fingerprints;
  };

  void Arrange();
  void AddBlock(std::vector<model::RecordException> exceptions);
  void MoveToOther(const absl::flat_hash_set<std::string>& fingerprints);

  std::vector<model::RecordException> exceptions_;
  std::vector<Block> blocks_;
  /// What these exceptions add to each group, in the order in which the groups first appear.
  std::vector<model::ExceptionGroup> additions_;
  size_t bytes_ = 0;
};

/// What counts when an exception is resolved. An exception never changes.
struct ExceptionTraits {
  std::string fingerprint;
  bool held = false;
};

/// Of these exceptions of a job, in their order. Those that stand together are read together. EXCEPTION_NOT_FOUND.
absl::StatusOr<std::vector<ExceptionTraits>> ReadTraits(const engine::Engine& engine, const model::JobKey& key,
                                                        const std::vector<model::RecordPlace>& places);

/// Counts one exception of a group of the job as settled.
void CountSettled(LaneJob* job, GroupMap& groups, const std::string& fingerprint);

}  // namespace millrace::store
