// The composition root: builds the parts in order, and takes them down in reverse.
#pragma once

#include "server/app/config.h"

namespace millrace::app {

/// Serves until SIGTERM or SIGINT, then drains. Returns the exit code of the process. Call it before any thread is
/// started: it blocks these signals for all threads to come.
int Run(const Config& config);

}  // namespace millrace::app
