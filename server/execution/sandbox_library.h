// The functions that nodes can call. docs/SERVICES.md lists them for users.
#pragma once

#include "lua.hpp"

namespace millrace::execution {

/// Makes the library the environment of everything loaded into `state` from now on. Each table of it is read-only.
/// What is missing is missing on purpose: pcall and coroutines could swallow the error that stops a record, patterns
/// run without end inside one instruction, and load, io, os and debug reach outside.
void OpenSandboxLibrary(lua_State* state);

/// Adds the functions of one kind to the table on top of the stack. The standard libraries are the globals of `state`
/// at this time.
void AddStringFunctions(lua_State* state);
void AddTableFunctions(lua_State* state);
void AddMathFunctions(lua_State* state);
void AddUtf8Functions(lua_State* state);

/// A function of the sandbox. Null: the standard one as it is. Otherwise a C function that finds the standard one of
/// the same name as its first upvalue.
struct LibraryFunction {
  const char* name;
  lua_CFunction replacement;
};

/// Adds `functions` to the table on top of the stack; the standard ones come from the global table `library`, or from
/// the globals themselves when it is null.
void AddFunctions(lua_State* state, const char* library, const LibraryFunction* begin, const LibraryFunction* end);

/// Goes on as the standard function behind the one that runs.
int CallStandard(lua_State* state);

/// Pushes a text for the value at `index` that depends on nothing but the value: no addresses.
void PushText(lua_State* state, int index);

/// pairs and next, in the order of the keys: numbers, texts, booleans. Lua's own order changes from run to run.
int OrderedPairs(lua_State* state);
int OrderedNext(lua_State* state);

}  // namespace millrace::execution
