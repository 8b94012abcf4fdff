// The whole program behind main: arguments in, exit code out.
#pragma once

#include <string>
#include <vector>

#include "tools/millrace/session.h"

namespace millrace::cli {

/// Semantic version of the program. CMake sets it from project(VERSION).
std::string Version();

/// Runs the command that `arguments` (without the program's name) ask for and returns the exit code of the process.
int RunCli(std::vector<std::string> arguments, const Environment& environment);

}  // namespace millrace::cli
