// table: everything that walks a table inside one call charges for it first.

#include <algorithm>
#include <array>

#include "server/execution/sandbox.h"
#include "server/execution/sandbox_library.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

// No table in the sandbox can hold more values.
constexpr lua_Integer kTableLengthMax = static_cast<lua_Integer>(model::kLuaMemoryBytes / sizeof(lua_Number));

// Charges for the places `first` to `last`. A range longer than any table runs into a missing value and raises by
// itself.
void ChargeRange(lua_State* state, lua_Integer first, lua_Integer last) {
  if (first > last) return;
  const auto length = static_cast<uint64_t>(last) - static_cast<uint64_t>(first) + 1;
  Sandbox::Of(state).Charge(static_cast<int64_t>(std::min<uint64_t>(length, kTableLengthMax)));
}

// table.insert(list, [place,] value) and table.remove(list [, place]) move what lies behind the place.
int MoveTail(lua_State* state, bool has_place) {
  luaL_checktype(state, 1, LUA_TTABLE);
  if (has_place) ChargeRange(state, luaL_checkinteger(state, 2), luaL_len(state, 1));
  return CallStandard(state);
}

int Insert(lua_State* state) { return MoveTail(state, lua_gettop(state) == 3); }

int Remove(lua_State* state) { return MoveTail(state, lua_gettop(state) >= 2); }

// table.concat(list, separator, first, last) and table.unpack(list, first, last).
int WalkRange(lua_State* state, int first_argument) {
  luaL_checktype(state, 1, LUA_TTABLE);
  const lua_Integer first = luaL_optinteger(state, first_argument, 1);
  const lua_Integer last =
      lua_isnoneornil(state, first_argument + 1) ? luaL_len(state, 1) : luaL_checkinteger(state, first_argument + 1);
  ChargeRange(state, first, last);
  return CallStandard(state);
}

int Concat(lua_State* state) { return WalkRange(state, 3); }

int Unpack(lua_State* state) { return WalkRange(state, 2); }

// Written in Lua so that each comparison counts as instructions. A merge sort: equal values keep their order, so the
// result does not depend on luck as that of the standard function does.
constexpr char kSort[] = R"(
local function less(a, b) return a < b end
return function(list, before)
  before = before or less
  local count = #list
  local from, to = {}, {}
  for i = 1, count do from[i] = list[i] end
  local width = 1
  while width < count do
    for left = 1, count, 2 * width do
      local middle, stop = left + width, left + 2 * width
      if middle > count + 1 then middle = count + 1 end
      if stop > count + 1 then stop = count + 1 end
      local i, j = left, middle
      for k = left, stop - 1 do
        if i < middle and (j >= stop or not before(from[j], from[i])) then
          to[k], i = from[i], i + 1
        else
          to[k], j = from[j], j + 1
        end
      end
    end
    from, to, width = to, from, 2 * width
  end
  for i = 1, count do list[i] = from[i] end
end
)";

constexpr std::array kTableFunctions = {
    LibraryFunction{"concat", &Concat}, LibraryFunction{"insert", &Insert}, LibraryFunction{"pack", nullptr},
    LibraryFunction{"remove", &Remove}, LibraryFunction{"unpack", &Unpack},
};

}  // namespace

void AddTableFunctions(lua_State* state) {
  AddFunctions(state, LUA_TABLIBNAME, kTableFunctions.begin(), kTableFunctions.end());
  luaL_loadbufferx(state, kSort, sizeof kSort - 1, "=table.sort", "t");
  lua_call(state, 0, 1);
  lua_setfield(state, -2, "sort");
}

}  // namespace millrace::execution
