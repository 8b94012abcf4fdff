// string and utf8: nothing here takes longer than the length of its texts, and what is long is charged.

#include <array>
#include <cstring>
#include <string_view>

#include "server/execution/sandbox.h"
#include "server/execution/sandbox_library.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

// A library loop over bytes does about as many of them in the time of one instruction.
constexpr lua_Integer kBytesPerInstruction = 16;
constexpr lua_Integer kCopiesPerInstruction = 4;

std::string_view CheckText(lua_State* state, int index) {
  size_t size = 0;
  const char* text = luaL_checklstring(state, index, &size);
  return {text, size};
}

void ChargeBytes(lua_State* state, size_t bytes) {
  Sandbox::Of(state).Charge(static_cast<lua_Integer>(bytes) / kBytesPerInstruction);
}

// string.find(text, part, init, true). Patterns can run for ever on short texts, so there are none; a part that looks
// like one is refused rather than searched for as it is.
int Find(lua_State* state) {
  const std::string_view text = CheckText(state, 1);
  const std::string_view part = CheckText(state, 2);
  const auto size = static_cast<lua_Integer>(text.size());
  lua_Integer init = luaL_optinteger(state, 3, 1);
  if (init < 0) init = init < -size ? 1 : size + init + 1;
  if (init == 0) init = 1;
  if (lua_toboolean(state, 4) == 0 && part.find_first_of("^$*+?.([%-") != std::string_view::npos) {
    return luaL_error(state,
                      "string.find: there are no patterns in the sandbox; for plain text, pass true as the "
                      "fourth argument");
  }
  if (init > size + 1) {
    lua_pushnil(state);
    return 1;
  }
  ChargeBytes(state, text.size());
  // memmem is linear in both lengths, which std::string_view::find is not.
  const char* begin = text.data() + init - 1;
  const void* found = memmem(begin, text.size() - static_cast<size_t>(init - 1), part.data(), part.size());
  if (found == nullptr) {
    lua_pushnil(state);
    return 1;
  }
  const lua_Integer at = static_cast<const char*>(found) - text.data() + 1;
  lua_pushinteger(state, at);
  lua_pushinteger(state, at + static_cast<lua_Integer>(part.size()) - 1);
  return 2;
}

// The standard function copies nothing for ever when text and separator are empty.
int Repeat(lua_State* state) {
  const std::string_view text = CheckText(state, 1);
  const lua_Integer count = luaL_checkinteger(state, 2);
  const std::string_view separator = lua_isnoneornil(state, 3) ? std::string_view() : CheckText(state, 3);
  const size_t step = text.size() + separator.size();
  if (count <= 0 || step == 0) {
    lua_pushliteral(state, "");
    return 1;
  }
  if (static_cast<size_t>(count) > model::kRecordBytesMax / step) {
    return luaL_error(state, "string.rep: the result is longer than %d MiB",
                      static_cast<int>(model::kRecordBytesMax / (1024 * 1024)));
  }
  Sandbox::Of(state).Charge(count / kCopiesPerInstruction);
  return CallStandard(state);
}

// Puts texts without addresses where %s would print one, and refuses %p.
int Format(lua_State* state) {
  const std::string_view format = CheckText(state, 1);
  ChargeBytes(state, format.size());
  int argument = 1;
  for (size_t i = 0; i + 1 < format.size(); ++i) {
    if (format[i] != '%') continue;
    if (format[++i] == '%') continue;
    i = format.find_first_not_of("-+ #0123456789.", i);
    if (i == std::string_view::npos) break;
    ++argument;
    if (format[i] == 'p') return luaL_error(state, "string.format: there is no '%%p' in the sandbox");
    if (format[i] == 's' && argument <= lua_gettop(state)) {
      PushText(state, argument);
      lua_replace(state, argument);
    }
  }
  return CallStandard(state);
}

int ChargedByText(lua_State* state) {
  ChargeBytes(state, CheckText(state, 1).size());
  return CallStandard(state);
}

constexpr std::array kStringFunctions = {
    LibraryFunction{"byte", nullptr}, LibraryFunction{"char", nullptr},
    LibraryFunction{"find", &Find},   LibraryFunction{"format", &Format},
    LibraryFunction{"len", nullptr},  LibraryFunction{"lower", &ChargedByText},
    LibraryFunction{"rep", &Repeat},  LibraryFunction{"reverse", &ChargedByText},
    LibraryFunction{"sub", nullptr},  LibraryFunction{"upper", &ChargedByText},
};

constexpr std::array kUtf8Functions = {
    LibraryFunction{"char", nullptr},          LibraryFunction{"codepoint", &ChargedByText},
    LibraryFunction{"codes", nullptr},         LibraryFunction{"len", &ChargedByText},
    LibraryFunction{"offset", &ChargedByText},
};

}  // namespace

void AddStringFunctions(lua_State* state) {
  AddFunctions(state, LUA_STRLIBNAME, kStringFunctions.begin(), kStringFunctions.end());
}

void AddUtf8Functions(lua_State* state) {
  AddFunctions(state, LUA_UTF8LIBNAME, kUtf8Functions.begin(), kUtf8Functions.end());
}

}  // namespace millrace::execution
