// Which part of the records a command asks for: `--sample-first` or `--sample-every`, or parts by their numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/repeated_field.h"
#include "millrace/v1/source.pb.h"
#include "tools/millrace/commands.h"

namespace millrace::cli {

/// At most one of both; 0: not given.
struct SampleOptions {
  int64_t first = 0;
  int64_t every = 0;
};

/// Adds both, explained by these texts.
void AddSampleOptions(CLI::App* command, SampleOptions& options, const char* first_help, const char* every_help);

/// Sets `sample` of a request where one was asked for.
template <typename Request>
void SetSample(const SampleOptions& options, Request& request) {
  if (options.first > 0) request.mutable_sample()->set_first_n(options.first);
  if (options.every > 0) request.mutable_sample()->set_every_n(options.every);
}

/// Reads `3,7-9`: numbers and ranges of parts.
absl::StatusOr<google::protobuf::RepeatedPtrField<v1::PartRange>> ParseParts(std::string_view text);

/// The same, to show it.
std::string PartsText(const google::protobuf::RepeatedPtrField<v1::PartRange>& parts);

}  // namespace millrace::cli
