// A pause by the kernel's own timer, for harnesses that hit other processes at random moments.
#pragma once

#include "absl/time/time.h"

namespace millrace::harness {

/// Returns after `length`, at once when it is not positive. Only to choose a moment at random: what can be waited
/// for is waited for.
void PauseFor(absl::Duration length);

}  // namespace millrace::harness
