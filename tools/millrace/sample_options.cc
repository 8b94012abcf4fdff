#include "tools/millrace/sample_options.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace millrace::cli {
namespace {

bool ReadPart(const std::string& text, int64_t& part) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos && absl::SimpleAtoi(text, &part);
}

}  // namespace

void AddSampleOptions(CLI::App* command, SampleOptions& options, const char* first_help, const char* every_help) {
  auto* first = command->add_option("--sample-first", options.first, first_help)->type_name("N")->check(AtLeastOne());
  command->add_option("--sample-every", options.every, every_help)
      ->type_name("N")
      ->check(AtLeastOne())
      ->excludes(first);
}

absl::StatusOr<google::protobuf::RepeatedPtrField<v1::PartRange>> ParseParts(std::string_view text) {
  google::protobuf::RepeatedPtrField<v1::PartRange> parts;
  const std::vector<std::string> elements = absl::StrSplit(std::string(text), ',');
  for (const std::string& element : elements) {
    const std::pair<std::string, std::string> ends = absl::StrSplit(element, absl::MaxSplits('-', 1));
    const bool is_range = element.find('-') != std::string::npos;
    int64_t first = 0;
    int64_t last = 0;
    const bool is_read = ReadPart(ends.first, first) && ReadPart(is_range ? ends.second : ends.first, last);
    if (!is_read || last < first) {
      return UsageError(absl::StrCat("--parts: expected numbers and ranges such as 3,7-9, got '", element, "'"));
    }
    v1::PartRange& range = *parts.Add();
    range.set_first(first);
    range.set_last(last);
  }
  return parts;
}

std::string PartsText(const google::protobuf::RepeatedPtrField<v1::PartRange>& parts) {
  return absl::StrJoin(parts, ",", [](std::string* out, const v1::PartRange& range) {
    absl::StrAppend(out, range.first());
    if (range.last() > range.first()) absl::StrAppend(out, "-", range.last());
  });
}

}  // namespace millrace::cli
