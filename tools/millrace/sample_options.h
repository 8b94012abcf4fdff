// Which part of the records a command asks for: `--sample-first` or `--sample-every`.
#pragma once

#include <cstdint>

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

}  // namespace millrace::cli
