// Services written in Lua 5.4: the compiler that checks them and the sandbox that runs them.
#pragma once

#include <memory>

#include "server/core/service_runner.h"
#include "storage/model/clock.h"

namespace millrace::execution {

/// `clock` times records and nodes; it must outlive the compiler and its runners.
std::unique_ptr<core::ServiceCompiler> MakeLuaServiceCompiler(const model::Clock* clock);

}  // namespace millrace::execution
