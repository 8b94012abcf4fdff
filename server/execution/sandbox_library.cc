#include "server/execution/sandbox_library.h"

#include <array>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "server/core/service_runner.h"
#include "server/execution/read_only.h"
#include "server/execution/sandbox.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

namespace record_code = core::record_code;

std::string TextAt(lua_State* state, int index) {
  PushText(state, index);
  size_t size = 0;
  const char* text = lua_tolstring(state, -1, &size);
  std::string copy(text, size);
  lua_pop(state, 1);
  return copy;
}

bool IsUpperSnake(std::string_view code) {
  if (code.empty() || code.size() > model::kServiceNamePartBytesMax || code[0] < 'A' || code[0] > 'Z') return false;
  for (const char c : code) {
    if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return true;
}

// `fail` and `retry`: (message) or (code, message).
int RaiseError(lua_State* state, const char* function, std::string_view default_code, bool transient) {
  const bool has_code = lua_gettop(state) > 1;
  RecordError error;
  error.code = has_code ? TextAt(state, 1) : std::string(default_code);
  if (!IsUpperSnake(error.code)) {
    return luaL_error(state, "%s: the code must be capital letters, digits and underscores, such as UNKNOWN_SIZE",
                      function);
  }
  luaL_checkany(state, 1);
  error.message = TextAt(state, has_code ? 2 : 1);
  error.transient = transient;
  // Whoever chooses the code of `hold` means the same.
  error.held = error.code == record_code::kHeld;
  Sandbox::Of(state).Raise(std::move(error));
}

int Fail(lua_State* state) { return RaiseError(state, "fail", record_code::kFailed, false); }

int Retry(lua_State* state) { return RaiseError(state, "retry", record_code::kTransient, true); }

// Goes on with the answer, where a person gave one.
int Hold(lua_State* state) {
  luaL_checkany(state, 1);
  Sandbox& sandbox = Sandbox::Of(state);
  std::string question = TextAt(state, 1);
  const Sandbox::Answer* const answer = sandbox.FindAnswer(question);
  if (answer == nullptr) {
    sandbox.Raise({.code = std::string(record_code::kHeld), .message = std::move(question), .held = true});
  }
  // Nothing that has a destructor lives across a call that may raise.
  question = std::string();
  lua_pushlstring(state, answer->answer.data(), answer->answer.size());
  return 1;
}

int Warn(lua_State* state) {
  luaL_checkany(state, 1);
  Sandbox::Of(state).Warn(TextAt(state, 1));
  return 0;
}

int Count(lua_State* state) {
  size_t size = 0;
  const char* label = luaL_checklstring(state, 1, &size);
  if (size == 0 || size > model::kLabelBytesMax) {
    return luaL_error(state, "count: a label is a text of 1 to %d bytes", static_cast<int>(model::kLabelBytesMax));
  }
  Sandbox::Of(state).Count(std::string_view(label, size));
  return 0;
}

int ToString(lua_State* state) {
  luaL_checkany(state, 1);
  PushText(state, 1);
  return 1;
}

// string.match and the like: says what is wrong instead of "attempt to call a nil value".
int RefuseMissing(lua_State* state) {
  PushText(state, 2);
  return luaL_error(state, "'%s.%s' is not in the sandbox", lua_tostring(state, lua_upvalueindex(1)),
                    lua_tostring(state, -1));
}

// Adds a read-only library to the environment on top of the stack.
void AddLibrary(lua_State* state, const char* name, void (*add)(lua_State*)) {
  lua_createtable(state, 0, 32);
  add(state);
  lua_createtable(state, 0, 1);
  lua_pushstring(state, name);
  lua_pushcclosure(state, &RefuseMissing, 1);
  lua_setfield(state, -2, "__index");
  lua_setmetatable(state, -2);
  MakeReadOnly(state);
  lua_setfield(state, -2, name);
}

// What ("text"):upper() looks into. Arithmetic on texts is left out: '1' + 1 is a mistake in a record, not a number.
void SetStringMethods(lua_State* state) {
  lua_pushliteral(state, "");
  lua_createtable(state, 0, 1);
  lua_getfield(state, -3, "string");
  lua_setfield(state, -2, "__index");
  lua_setmetatable(state, -2);
  lua_pop(state, 1);
}

constexpr std::array kBaseFunctions = {
    LibraryFunction{"assert", nullptr},    LibraryFunction{"count", &Count},
    LibraryFunction{"error", nullptr},     LibraryFunction{"fail", &Fail},
    LibraryFunction{"hold", &Hold},        LibraryFunction{"ipairs", nullptr},
    LibraryFunction{"next", &OrderedNext}, LibraryFunction{"pairs", &OrderedPairs},
    LibraryFunction{"retry", &Retry},      LibraryFunction{"select", nullptr},
    LibraryFunction{"tonumber", nullptr},  LibraryFunction{"tostring", &ToString},
    LibraryFunction{"type", nullptr},      LibraryFunction{"warn", &Warn},
};

}  // namespace

void AddFunctions(lua_State* state, const char* library, const LibraryFunction* begin, const LibraryFunction* end) {
  lua_pushglobaltable(state);
  if (library != nullptr) {
    lua_getfield(state, -1, library);
    lua_remove(state, -2);
  }
  for (const LibraryFunction* function = begin; function != end; ++function) {
    lua_getfield(state, -1, function->name);
    if (function->replacement != nullptr) lua_pushcclosure(state, function->replacement, 1);
    lua_setfield(state, -3, function->name);
  }
  lua_pop(state, 1);
}

int CallStandard(lua_State* state) { return lua_tocfunction(state, lua_upvalueindex(1))(state); }

void PushText(lua_State* state, int index) {
  switch (lua_type(state, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING:
      luaL_tolstring(state, index, nullptr);
      break;
    default:
      lua_pushstring(state, luaL_typename(state, index));
  }
}

void OpenSandboxLibrary(lua_State* state) {
  luaL_requiref(state, "_G", &luaopen_base, 1);
  luaL_requiref(state, LUA_STRLIBNAME, &luaopen_string, 1);
  luaL_requiref(state, LUA_TABLIBNAME, &luaopen_table, 1);
  luaL_requiref(state, LUA_MATHLIBNAME, &luaopen_math, 1);
  luaL_requiref(state, LUA_UTF8LIBNAME, &luaopen_utf8, 1);
  lua_settop(state, 0);

  lua_createtable(state, 0, 32);
  AddFunctions(state, nullptr, kBaseFunctions.begin(), kBaseFunctions.end());
  AddLibrary(state, "string", &AddStringFunctions);
  AddLibrary(state, "table", &AddTableFunctions);
  AddLibrary(state, "math", &AddMathFunctions);
  AddLibrary(state, "utf8", &AddUtf8Functions);
  SetStringMethods(state);
  MakeReadOnly(state);

  // From here on nothing refers to the standard libraries.
  lua_rawseti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  lua_pushnil(state);
  lua_setfield(state, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}

}  // namespace millrace::execution
