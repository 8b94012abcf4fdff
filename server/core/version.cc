#include "server/core/version.h"

namespace millrace::core {

std::string_view ServerVersion() { return MILLRACE_VERSION; }

std::string EngineVersion() { return std::string("millrace/") + MILLRACE_VERSION + " lua/5.4"; }

}  // namespace millrace::core
