#include "server/execution/read_only.h"

namespace millrace::execution {
namespace {

// The table behind a view is at this place of the view's metatable. The sandbox has no way to a metatable.
constexpr int kViewedIndex = 1;

// Address of the registry entry with the metatable of empty objects.
constexpr char kEmptyObjectKey = 0;

int RefuseChange(lua_State* state) {
  return luaL_error(state, "attempt to change a read-only table: parameters and libraries belong to all records");
}

int LengthOfViewed(lua_State* state) {
  lua_pushinteger(state, static_cast<lua_Integer>(lua_rawlen(state, lua_upvalueindex(1))));
  return 1;
}

}  // namespace

void MakeReadOnly(lua_State* state) {
  const int table = lua_gettop(state);
  lua_createtable(state, 0, 0);  // The view stays empty, so each access asks the metatable.
  lua_createtable(state, 1, 3);
  lua_pushvalue(state, table);
  lua_rawseti(state, -2, kViewedIndex);
  lua_pushvalue(state, table);
  lua_setfield(state, -2, "__index");
  lua_pushcfunction(state, &RefuseChange);
  lua_setfield(state, -2, "__newindex");
  lua_pushvalue(state, table);
  lua_pushcclosure(state, &LengthOfViewed, 1);
  lua_setfield(state, -2, "__len");
  lua_setmetatable(state, -2);
  lua_replace(state, table);
}

void PushViewed(lua_State* state, int index) {
  index = lua_absindex(state, index);
  if (lua_getmetatable(state, index) != 0) {
    const bool is_view = lua_rawgeti(state, -1, kViewedIndex) == LUA_TTABLE;
    lua_remove(state, -2);
    if (is_view) return;
    lua_pop(state, 1);
  }
  lua_pushvalue(state, index);
}

void MarkEmptyObject(lua_State* state) {
  if (lua_rawgetp(state, LUA_REGISTRYINDEX, &kEmptyObjectKey) != LUA_TTABLE) {
    lua_pop(state, 1);
    lua_createtable(state, 0, 0);
    lua_pushvalue(state, -1);
    lua_rawsetp(state, LUA_REGISTRYINDEX, &kEmptyObjectKey);
  }
  lua_setmetatable(state, -2);
}

bool IsMarkedObject(lua_State* state, int index) {
  if (lua_getmetatable(state, index) == 0) return false;
  lua_rawgetp(state, LUA_REGISTRYINDEX, &kEmptyObjectKey);
  const bool marked = lua_rawequal(state, -1, -2) != 0;
  lua_pop(state, 2);
  return marked;
}

}  // namespace millrace::execution
