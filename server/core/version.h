// Which Millrace this is.
#pragma once

#include <string>
#include <string_view>

namespace millrace::core {

/// Semantic version of the server. CMake sets it from project(VERSION).
std::string_view ServerVersion();

/// What runs services, for Job.engine_version: `millrace/0.1.0 lua/5.4`.
std::string EngineVersion();

}  // namespace millrace::core
