// math, with random numbers that are the same each time a record runs.

#include <array>

#include "server/execution/sandbox.h"
#include "server/execution/sandbox_library.h"

namespace millrace::execution {
namespace {

// A number from 0 to `span`, each as likely as the other.
uint64_t RandomUpTo(Sandbox& sandbox, uint64_t span) {
  uint64_t mask = span;
  for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
  while (true) {
    const uint64_t number = sandbox.NextRandom() & mask;
    if (number <= span) return number;
  }
}

// math.random(), math.random(high), math.random(low, high).
int Random(lua_State* state) {
  Sandbox& sandbox = Sandbox::Of(state);
  const int count = lua_gettop(state);
  if (count == 0) {
    constexpr double kStep = 1.0 / 9007199254740992.0;  // 2^-53.
    lua_pushnumber(state, static_cast<double>(sandbox.NextRandom() >> 11) * kStep);
    return 1;
  }
  const lua_Integer low = count == 1 ? 1 : luaL_checkinteger(state, 1);
  const lua_Integer high = luaL_checkinteger(state, count == 1 ? 1 : 2);
  luaL_argcheck(state, low <= high, count == 1 ? 1 : 2, "interval is empty");
  const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  lua_pushinteger(state, static_cast<lua_Integer>(static_cast<uint64_t>(low) + RandomUpTo(sandbox, span)));
  return 1;
}

constexpr std::array kMathFunctions = {
    LibraryFunction{"abs", nullptr},   LibraryFunction{"acos", nullptr},
    LibraryFunction{"asin", nullptr},  LibraryFunction{"atan", nullptr},
    LibraryFunction{"ceil", nullptr},  LibraryFunction{"cos", nullptr},
    LibraryFunction{"deg", nullptr},   LibraryFunction{"exp", nullptr},
    LibraryFunction{"floor", nullptr}, LibraryFunction{"fmod", nullptr},
    LibraryFunction{"huge", nullptr},  LibraryFunction{"log", nullptr},
    LibraryFunction{"max", nullptr},   LibraryFunction{"maxinteger", nullptr},
    LibraryFunction{"min", nullptr},   LibraryFunction{"mininteger", nullptr},
    LibraryFunction{"modf", nullptr},  LibraryFunction{"pi", nullptr},
    LibraryFunction{"rad", nullptr},   LibraryFunction{"random", &Random},
    LibraryFunction{"sin", nullptr},   LibraryFunction{"sqrt", nullptr},
    LibraryFunction{"tan", nullptr},   LibraryFunction{"tointeger", nullptr},
    LibraryFunction{"type", nullptr},  LibraryFunction{"ult", nullptr},
};

}  // namespace

void AddMathFunctions(lua_State* state) {
  AddFunctions(state, LUA_MATHLIBNAME, kMathFunctions.begin(), kMathFunctions.end());
}

}  // namespace millrace::execution
