#include "server/execution/lua_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "server/execution/read_only.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

using simdjson::dom::element_type;

bool Push(lua_State* state, simdjson::dom::element element, bool read_only);

bool PushArray(lua_State* state, simdjson::dom::array array, bool read_only) {
  luaL_checkstack(state, LUA_MINSTACK, nullptr);
  lua_createtable(state, static_cast<int>(array.size()), 0);
  lua_Integer place = 0;
  for (const simdjson::dom::element child : array) {
    if (!Push(state, child, read_only)) {
      lua_pop(state, 1);
      return false;
    }
    lua_rawseti(state, -2, ++place);
  }
  if (read_only) MakeReadOnly(state);
  return true;
}

bool PushObject(lua_State* state, simdjson::dom::object object, bool read_only) {
  luaL_checkstack(state, LUA_MINSTACK, nullptr);
  lua_createtable(state, 0, static_cast<int>(object.size()));
  bool empty = true;
  for (const auto field : object) {
    empty = false;
    lua_pushlstring(state, field.key.data(), field.key.size());
    if (!Push(state, field.value, read_only)) {
      lua_pop(state, 2);
      return false;
    }
    lua_rawset(state, -3);
  }
  if (empty) MarkEmptyObject(state);
  if (read_only) MakeReadOnly(state);
  return true;
}

bool Push(lua_State* state, simdjson::dom::element element, bool read_only) {
  switch (element.type()) {
    case element_type::NULL_VALUE:
      lua_pushnil(state);
      return true;
    case element_type::BOOL:
      lua_pushboolean(state, element.get_bool().value_unsafe());
      return true;
    case element_type::INT64:
      lua_pushinteger(state, element.get_int64().value_unsafe());
      return true;
    case element_type::UINT64:
      return false;
    case element_type::DOUBLE:
      lua_pushnumber(state, element.get_double().value_unsafe());
      return true;
    case element_type::STRING: {
      const std::string_view text = element.get_string().value_unsafe();
      lua_pushlstring(state, text.data(), text.size());
      return true;
    }
    case element_type::ARRAY:
      return PushArray(state, element.get_array().value_unsafe(), read_only);
    case element_type::OBJECT:
      return PushObject(state, element.get_object().value_unsafe(), read_only);
  }
  return false;
}

class Writer {
 public:
  Writer(lua_State* state, std::string& json)
      : state_(state), json_(json), size_max_(json.size() + model::kRecordBytesMax) {}

  std::string Write(int index, size_t depth) {
    switch (lua_type(state_, index)) {
      case LUA_TNIL:
        json_.append("null");
        return "";
      case LUA_TBOOLEAN:
        json_.append(lua_toboolean(state_, index) != 0 ? "true" : "false");
        return "";
      case LUA_TNUMBER:
        return WriteNumber(index);
      case LUA_TSTRING:
        return WriteText(TextAt(index));
      case LUA_TTABLE:
        return WriteTable(index, depth);
      default:
        return absl::StrCat("a ", luaL_typename(state_, index), " has no form in JSON");
    }
  }

 private:
  std::string_view TextAt(int index) {
    size_t size = 0;
    const char* text = lua_tolstring(state_, index, &size);
    return {text, size};
  }

  std::string WriteNumber(int index) {
    if (lua_isinteger(state_, index) != 0) {
      char text[24];
      const auto end = std::to_chars(text, text + sizeof text, lua_tointeger(state_, index));
      json_.append(text, end.ptr);
      return "";
    }
    const double number = lua_tonumber(state_, index);
    if (!std::isfinite(number)) {
      return std::isnan(number) ? "NaN has no form in JSON" : "an infinite number has no form in JSON";
    }
    core::AppendJsonNumber(number, json_);
    return "";
  }

  std::string WriteText(std::string_view text) {
    if (!simdjson::validate_utf8(text.data(), text.size())) return "a text is not UTF-8";
    core::AppendJsonString(text, json_);
    return CheckSize();
  }

  std::string CheckSize() const {
    if (json_.size() <= size_max_) return "";
    return absl::StrCat("larger than ", model::kRecordBytesMax / (1024 * 1024), " MiB");
  }

  std::string WriteTable(int index, size_t depth) {
    if (depth > model::kRecordDepthMax) {
      return absl::StrCat("nested deeper than ", model::kRecordDepthMax, " levels, or a table that holds itself");
    }
    luaL_checkstack(state_, LUA_MINSTACK, nullptr);
    const int top = lua_gettop(state_);
    PushViewed(state_, index);
    const int table = top + 1;
    std::vector<std::string_view> names;
    lua_Integer count = 0;
    lua_Integer last = 0;
    std::string problem;
    lua_pushnil(state_);
    while (problem.empty() && lua_next(state_, table) != 0) {
      lua_pop(state_, 1);
      if (lua_type(state_, -1) == LUA_TSTRING) {
        names.push_back(TextAt(-1));
      } else if (lua_isinteger(state_, -1) != 0 && lua_tointeger(state_, -1) > 0) {
        ++count;
        last = std::max(last, lua_tointeger(state_, -1));
      } else {
        problem = "a table has a key that is neither a text nor a place in a list";
      }
    }
    if (problem.empty() && count > 0 && !names.empty()) problem = "a table is both a list and an object";
    if (problem.empty() && last / 2 > count) problem = "a list has more holes than values";
    if (problem.empty()) {
      const bool is_array = count > 0 || (names.empty() && !IsMarkedObject(state_, table));
      problem = is_array ? WriteArray(table, last, depth) : WriteObject(table, names, depth);
    }
    lua_settop(state_, top);
    return problem;
  }

  std::string WriteArray(int table, lua_Integer last, size_t depth) {
    json_.push_back('[');
    for (lua_Integer place = 1; place <= last; ++place) {
      if (place > 1) json_.push_back(',');
      lua_rawgeti(state_, table, place);
      std::string problem = Write(lua_gettop(state_), depth + 1);
      lua_pop(state_, 1);
      if (!problem.empty()) return problem;
    }
    json_.push_back(']');
    return CheckSize();
  }

  std::string WriteObject(int table, std::vector<std::string_view>& names, size_t depth) {
    std::sort(names.begin(), names.end());
    json_.push_back('{');
    for (size_t i = 0; i < names.size(); ++i) {
      if (i > 0) json_.push_back(',');
      std::string problem = WriteText(names[i]);
      if (!problem.empty()) return problem;
      json_.push_back(':');
      lua_pushlstring(state_, names[i].data(), names[i].size());
      lua_rawget(state_, table);
      problem = Write(lua_gettop(state_), depth + 1);
      lua_pop(state_, 1);
      if (!problem.empty()) return problem;
    }
    json_.push_back('}');
    return CheckSize();
  }

  lua_State* const state_;
  std::string& json_;
  const size_t size_max_;
};

}  // namespace

bool PushJson(lua_State* state, simdjson::dom::element element) { return Push(state, element, false); }

bool PushReadOnlyJson(lua_State* state, simdjson::dom::element element) { return Push(state, element, true); }

std::string AppendLuaAsJson(lua_State* state, int index, std::string& json) {
  return Writer(state, json).Write(lua_absindex(state, index), 1);
}

}  // namespace millrace::execution
