// Values between JSON and Lua. Everything here runs inside a protected call.
#pragma once

#include <string>

#include "lua.hpp"
#include "simdjson.h"

namespace millrace::execution {

/// Pushes a JSON value: null becomes nil, arrays and objects become tables of their own. False, with nothing pushed,
/// when a whole number does not fit into 64 bits with a sign, as Lua has them.
bool PushJson(lua_State* state, simdjson::dom::element element);

/// The same, with tables that cannot be changed.
bool PushReadOnlyJson(lua_State* state, simdjson::dom::element element);

/// Appends the value at `index` as JSON. Tables whose keys are 1 to n are arrays (nil in between is null, up to half
/// of them), tables with texts as keys are objects with the keys sorted, and the empty table is an empty array unless
/// it came from an empty object. Returns an empty text, or what is wrong with the value: NaN, infinities, texts that
/// are not UTF-8, functions, tables of neither kind, nesting deeper than kRecordDepthMax, or more than
/// kRecordBytesMax of JSON. `json` then ends somewhere inside the value.
std::string AppendLuaAsJson(lua_State* state, int index, std::string& json);

}  // namespace millrace::execution
