// pairs and next in the order of the keys. Lua's own order follows from addresses and a random seed: a sum of floats
// over it would differ from run to run.

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "server/execution/read_only.h"
#include "server/execution/sandbox.h"
#include "server/execution/sandbox_library.h"

namespace millrace::execution {
namespace {

// What one key costs, in instructions: to find it, and to keep and sort it.
constexpr int64_t kInstructionsPerKeySeen = 4;
constexpr int64_t kInstructionsPerKeySorted = 16;

// A key in a form that sorts: numbers, then texts, then booleans.
struct SortKey {
  int rank = 0;
  // Holds each lua_Integer and each lua_Number exactly.
  long double number = 0;
  std::string_view text;
  // Where the key is kept.
  lua_Integer place = 0;

  bool operator<(const SortKey& other) const {
    return std::tie(rank, number, text) < std::tie(other.rank, other.number, other.text);
  }
};

// The key at `index`; its text lives as long as the key is kept somewhere.
SortKey SortKeyAt(lua_State* state, int index) {
  SortKey key;
  switch (lua_type(state, index)) {
    case LUA_TNUMBER:
      key.number = lua_isinteger(state, index) != 0 ? static_cast<long double>(lua_tointeger(state, index))
                                                    : static_cast<long double>(lua_tonumber(state, index));
      return key;
    case LUA_TSTRING: {
      size_t size = 0;
      const char* text = lua_tolstring(state, index, &size);
      key.rank = 1;
      key.text = {text, size};
      return key;
    }
    case LUA_TBOOLEAN:
      key.rank = 2;
      key.number = lua_toboolean(state, index);
      return key;
    default:
      luaL_error(state, "a %s as key has no place in an order; use numbers, texts or booleans",
                 luaL_typename(state, index));
      return key;
  }
}

// Upvalues: the table, its keys in order as a list, the place of the last key.
int NextOfOrdered(lua_State* state) {
  lua_Integer place = lua_tointeger(state, lua_upvalueindex(3));
  while (true) {
    if (lua_rawgeti(state, lua_upvalueindex(2), ++place) == LUA_TNIL) return 1;
    lua_pushvalue(state, -1);
    if (lua_rawget(state, lua_upvalueindex(1)) != LUA_TNIL) break;
    lua_pop(state, 2);  // Removed on the way.
  }
  lua_pushinteger(state, place);
  lua_replace(state, lua_upvalueindex(3));
  return 2;
}

}  // namespace

int OrderedPairs(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  lua_settop(state, 1);
  PushViewed(state, 1);          // 2: the table.
  lua_createtable(state, 0, 0);  // 3: its keys as they come.
  std::vector<SortKey> keys;
  lua_pushnil(state);
  while (lua_next(state, 2) != 0) {
    lua_pop(state, 1);
    keys.push_back(SortKeyAt(state, -1));
    keys.back().place = static_cast<lua_Integer>(keys.size());
    lua_pushvalue(state, -1);
    lua_rawseti(state, 3, keys.back().place);
  }
  const auto count = static_cast<int64_t>(keys.size());
  Sandbox::Of(state).Charge(count * kInstructionsPerKeySorted);
  if (!std::is_sorted(keys.begin(), keys.end())) {
    std::sort(keys.begin(), keys.end());
    lua_createtable(state, static_cast<int>(count), 0);  // 4: its keys in order.
    for (int64_t i = 0; i < count; ++i) {
      lua_rawgeti(state, 3, keys[i].place);
      lua_rawseti(state, 4, i + 1);
    }
    lua_replace(state, 3);
  }
  lua_pushinteger(state, 0);
  lua_pushcclosure(state, &NextOfOrdered, 3);
  return 1;
}

int OrderedNext(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  lua_settop(state, 2);
  PushViewed(state, 1);  // 3: the table.
  lua_pushnil(state);    // 4: the best key so far.
  const bool from_start = lua_isnil(state, 2);
  const SortKey after = from_start ? SortKey() : SortKeyAt(state, 2);
  SortKey best;
  int64_t count = 0;
  lua_pushnil(state);
  while (lua_next(state, 3) != 0) {
    lua_pop(state, 1);
    ++count;
    const SortKey key = SortKeyAt(state, -1);
    if ((from_start || after < key) && (lua_isnil(state, 4) || key < best)) {
      best = key;
      lua_pushvalue(state, -1);
      lua_replace(state, 4);
    }
  }
  Sandbox::Of(state).Charge(count * kInstructionsPerKeySeen);
  if (lua_isnil(state, 4)) return 1;
  lua_pushvalue(state, 4);
  lua_rawget(state, 3);
  return 2;
}

}  // namespace millrace::execution
