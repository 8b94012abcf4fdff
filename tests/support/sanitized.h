// Whether this is a build whose memory says nothing: a sanitizer's own memory, and what it keeps of what was freed, is not
// the server's.
#pragma once

#include "absl/base/config.h"

namespace millrace::testing {

#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace millrace::testing
