#include "storage/model/partitioning.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::model {
namespace {

constexpr int64_t kNoPart = std::numeric_limits<int64_t>::max();

struct RuleName {
  PartRule rule;
  std::string_view prefix;
  int64_t n_max;
};

constexpr std::array<RuleName, 3> kRules = {{{PartRule::kSize, "size_", kSourceRangeCountMax},
                                             {PartRule::kEvery, "every_", kPartsOfEveryMax},
                                             {PartRule::kFirst, "first_", kSourceRangeCountMax}}};

/// The number of the last part that the rule can have.
int64_t LastPart(const Partitioning& partitioning) {
  switch (partitioning.rule) {
    case PartRule::kEvery:
      return partitioning.n - 1;
    case PartRule::kFirst:
      return 1;
    case PartRule::kSize:
    case PartRule::kNone:
      break;
  }
  // A source with more records than that is read in centuries.
  return kSourceRangeCountMax - 1;
}

/// The range of `parts` that ends at `part` or behind it; none: the end.
auto RangeFrom(const std::vector<PartRange>& parts, int64_t part) {
  return std::lower_bound(parts.begin(), parts.end(), part,
                          [](const PartRange& range, int64_t value) { return range.last < value; });
}

/// The first part from this one on that is taken, or is of the rest; kNoPart where there is none.
int64_t NextPart(const Partitioning& partitioning, int64_t part, bool rest) {
  const std::vector<PartRange>& parts = partitioning.parts;
  const int64_t last = LastPart(partitioning);
  if (part > last) return kNoPart;
  if (parts.empty()) return rest ? kNoPart : part;
  const auto range = RangeFrom(parts, part);
  const bool is_in = range != parts.end() && range->first <= part;
  if (is_in != rest) return part;
  if (!rest) return range == parts.end() ? kNoPart : range->first;
  return range->last < last ? range->last + 1 : kNoPart;
}

std::string Describe(const PartRange& range) {
  return range.first == range.last ? absl::StrCat(range.first) : absl::StrCat(range.first, " to ", range.last);
}

}  // namespace

absl::StatusOr<Partitioning> ParsePartitioning(std::string_view name) {
  for (const RuleName& rule : kRules) {
    if (!name.starts_with(rule.prefix)) continue;
    const std::string digits(name.substr(rule.prefix.size()));
    int64_t n = 0;
    const bool is_number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos &&
                           digits.front() != '0' && absl::SimpleAtoi(digits, &n);
    if (!is_number || n > rule.n_max) {
      return FieldError("partitioning", absl::StrCat("expected ", std::string(rule.prefix), "N with N from 1 to ",
                                                     rule.n_max, ", got '", std::string(name), "'"));
    }
    Partitioning partitioning{.rule = rule.rule, .n = n, .parts = {}};
    if (rule.rule == PartRule::kFirst) partitioning.parts = {{0, 0}};
    return partitioning;
  }
  return FieldError("partitioning", absl::StrCat("expected size_N, every_N or first_N, such as size_1000, got '",
                                                 std::string(name), "'"));
}

std::string PartitioningName(const Partitioning& partitioning) {
  for (const RuleName& rule : kRules) {
    if (rule.rule == partitioning.rule) return absl::StrCat(std::string(rule.prefix), partitioning.n);
  }
  return "";
}

absl::Status ChooseParts(Partitioning& partitioning, std::vector<PartRange> parts) {
  const int64_t last = LastPart(partitioning);
  for (const PartRange& range : parts) {
    if (range.first < 0 || range.last < range.first) {
      return FieldError("parts", absl::StrCat("expected 0 or more, and a last part that is not before the first, got ",
                                              range.first, " to ", range.last));
    }
    if (range.last > last) {
      return FieldError(
          "parts", absl::StrCat(PartitioningName(partitioning), " has parts 0 to ", last, ", got ", Describe(range)));
    }
  }
  std::sort(parts.begin(), parts.end(), [](const PartRange& a, const PartRange& b) { return a.first < b.first; });
  std::vector<PartRange> chosen;
  chosen.reserve(parts.size());
  for (const PartRange& range : parts) {
    if (!chosen.empty() && range.first <= chosen.back().last + 1) {
      chosen.back().last = std::max(chosen.back().last, range.last);
    } else {
      chosen.push_back(range);
    }
  }
  if (chosen == std::vector<PartRange>{{0, last}}) chosen.clear();
  partitioning.parts = std::move(chosen);
  return absl::OkStatus();
}

int64_t PartOf(const Partitioning& partitioning, int64_t index) {
  switch (partitioning.rule) {
    case PartRule::kEvery:
      return index % partitioning.n;
    case PartRule::kFirst:
      return index < partitioning.n ? 0 : 1;
    case PartRule::kSize:
    case PartRule::kNone:
      break;
  }
  return index / partitioning.n;
}

bool TakesPart(const Partitioning& partitioning, int64_t part, bool rest) {
  return NextPart(partitioning, part, rest) == part;
}

int64_t NextOfParts(const Partitioning& partitioning, int64_t index, bool rest) {
  const int64_t n = partitioning.n;
  const int64_t part = PartOf(partitioning, index);
  int64_t next = NextPart(partitioning, part, rest);
  if (next == part) return index;
  if (partitioning.rule != PartRule::kEvery) return next > kNoIndex / n ? kNoIndex : next * n;
  if (next == kNoPart) {
    // From the next turn through all parts on.
    next = NextPart(partitioning, 0, rest);
    if (next == kNoPart) return kNoIndex;
    next += n;
  }
  return index + (next - part);
}

int64_t CountOfParts(const Partitioning& partitioning, int64_t count) {
  if (partitioning.parts.empty()) return count;
  int64_t taken = 0;
  for (const PartRange& range : partitioning.parts) {
    if (partitioning.rule == PartRule::kEvery) {
      const int64_t turns = count / partitioning.n;
      const int64_t left = std::clamp<int64_t>(count % partitioning.n - range.first, 0, range.last - range.first + 1);
      taken += turns * (range.last - range.first + 1) + left;
    } else {
      const bool is_open = partitioning.rule == PartRule::kFirst && range.last == 1;
      const int64_t parts_max = count / partitioning.n + 1;
      const int64_t begin = std::min(range.first, parts_max) * partitioning.n;
      const int64_t end = is_open ? count : (std::min(range.last, parts_max) + 1) * partitioning.n;
      taken += std::max<int64_t>(0, std::min(end, count) - begin);
    }
  }
  return taken;
}

bool PartsComeFirst(const Partitioning& partitioning) {
  if (partitioning.parts.empty()) return true;
  if (partitioning.rule == PartRule::kEvery) return false;
  return partitioning.parts.size() == 1 && partitioning.parts.front().first == 0;
}

}  // namespace millrace::model
