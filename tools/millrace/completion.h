// Shell completion, made from the command tree itself: a command cannot be forgotten.
#pragma once

#include <string>
#include <string_view>

#include "CLI/CLI.hpp"

namespace millrace::cli {

/// A script that completes the commands of `app`, their options and the values of those that have a fixed choice or are
/// files. `shell` is bash, zsh or fish.
std::string CompletionScript(const CLI::App& app, std::string_view shell);

}  // namespace millrace::cli
