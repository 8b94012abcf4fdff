// How a world says that something did not hold.
#pragma once

#include "absl/strings/str_cat.h"
#include "tests/simulation/world/world.h"

namespace millrace::simulation {

/// The first fault counts: what follows may follow from it.
template <typename... Parts>
void World::Fault(const Parts&... parts) {
  if (fault_.empty()) fault_ = absl::StrCat(parts...);
}

}  // namespace millrace::simulation
