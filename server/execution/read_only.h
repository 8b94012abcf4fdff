// Read-only views of tables: how records see parameters and the library without being able to change them.
#pragma once

#include "lua.hpp"

namespace millrace::execution {

/// Replaces the table on top of the stack by a view of it. Tables inside it must be views already.
void MakeReadOnly(lua_State* state);

/// Pushes the table that a view at `index` shows, or the table itself when it is no view.
void PushViewed(lua_State* state, int index);

/// Marks the empty table on top of the stack as a JSON object, which Lua cannot tell from an empty array.
void MarkEmptyObject(lua_State* state);

/// True when MarkEmptyObject was called on the table at `index`.
bool IsMarkedObject(lua_State* state, int index);

}  // namespace millrace::execution
