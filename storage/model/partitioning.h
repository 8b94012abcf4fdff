// Partitionings: rules with a name that cut a source into numbered parts. A part is what the rule says of the place of a record
// in its source, and of nothing else; so different jobs over one source, each with its own parts, never mean different records.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace::model {

/// The numbers are stored: never change them.
enum class PartRule : int32_t {
  kNone = 0,
  /// Runs of n records.
  kSize = 1,
  /// The records whose index leaves the same remainder when divided by n.
  kEvery = 2,
  /// The first n, and the others.
  kFirst = 3,
};

/// The parts from `first` to `last`, from 0.
struct PartRange {
  int64_t first = 0;
  int64_t last = 0;

  friend bool operator==(const PartRange&, const PartRange&) = default;
};

/// A rule, and a choice of its parts. See millrace.v1.SubmitJobRequest.
struct Partitioning {
  PartRule rule = PartRule::kNone;
  int64_t n = 0;
  /// Those that are taken, in ascending order, with others between. Empty: all.
  std::vector<PartRange> parts;

  friend bool operator==(const Partitioning&, const Partitioning&) = default;
};

/// No index is as high.
inline constexpr int64_t kNoIndex = std::numeric_limits<int64_t>::max();

/// The rule that is called `size_N`, `every_N` or `first_N`, with its default choice of parts. FIELD_INVALID (`partitioning`).
absl::StatusOr<Partitioning> ParsePartitioning(std::string_view name);

/// What ParsePartitioning takes; empty where there is no rule.
std::string PartitioningName(const Partitioning& partitioning);

/// Takes these parts, given in any order, instead of the default choice. FIELD_INVALID (`parts`) where the rule has no such part.
absl::Status ChooseParts(Partitioning& partitioning, std::vector<PartRange> parts);

// The rest of a choice are the parts that it leaves out. All REQUIRE a rule.

/// The part that the record with this index, from 0, is of.
int64_t PartOf(const Partitioning& partitioning, int64_t index);

/// Whether the part is taken; of the rest: whether it is left out.
bool TakesPart(const Partitioning& partitioning, int64_t part, bool rest);

/// The first index from this one on whose part is taken; kNoIndex where there is none.
int64_t NextOfParts(const Partitioning& partitioning, int64_t index, bool rest);

/// How many of `count` records are taken.
int64_t CountOfParts(const Partitioning& partitioning, int64_t count);

/// True where all that is taken comes before all of the rest.
bool PartsComeFirst(const Partitioning& partitioning);

}  // namespace millrace::model
