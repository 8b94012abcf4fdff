#include "server/execution/lua_expression.h"

#include <initializer_list>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/execution/lua_bytecode.h"
#include "server/execution/text.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// True when `text` holds `word` as a word of its own, at or behind `begin`.
bool HasWord(std::string_view text, std::string_view word, bool only_first) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !IsWordCharacter(text[at - 1]);
    const bool ends = at + word.size() == text.size() || !IsWordCharacter(text[at + word.size()]);
    const bool first = text.find_first_not_of(" \t\r\n") == at;
    if (begins && ends && (first || !only_first)) return true;
  }
  return false;
}

// Whether the author of code that is neither meant statements: decides which of two messages helps.
bool LooksLikeBlock(std::string_view code) {
  for (const std::string_view word : {"local", "if", "for", "while", "repeat", "do", "goto"}) {
    if (HasWord(code, word, true)) return true;
  }
  return HasWord(code, "return", false);
}

// Compiles and leaves the function on the stack, or returns Lua's message with `line` for the name of the chunk.
absl::Status Compile(lua_State* state, const std::string& source, const std::string& chunk_name) {
  const std::string lua_name = "=" + chunk_name;
  if (luaL_loadbufferx(state, source.data(), source.size(), lua_name.c_str(), "t") == LUA_OK) return absl::OkStatus();
  size_t size = 0;
  const char* text = lua_tolstring(state, -1, &size);
  std::string message = CleanText({text, size}, model::kMessageTextBytesMax);
  lua_pop(state, 1);
  const std::string prefix = chunk_name + ":";
  if (message.compare(0, prefix.size(), prefix) == 0) message = "line " + message.substr(prefix.size());
  return absl::InvalidArgumentError(message);
}

// The global names of the function on top of the stack, which it pops.
absl::StatusOr<GlobalNames> TakeGlobalNames(lua_State* state) {
  std::string bytecode;
  const auto append = [](lua_State*, const void* bytes, size_t size, void* target) {
    static_cast<std::string*>(target)->append(static_cast<const char*>(bytes), size);
    return 0;
  };
  lua_dump(state, append, &bytecode, /*strip=*/1);
  lua_pop(state, 1);
  return ReadGlobalNames(bytecode);
}

absl::Status NoEnvironment() {
  return absl::InvalidArgumentError("_ENV is not in the sandbox; name inputs and nodes as they are");
}

}  // namespace

absl::StatusOr<Expression> ReadExpression(lua_State* state, std::string code, std::string chunk_name) {
  if (code.find_first_not_of(" \t\r\n") == std::string::npos) {
    return absl::InvalidArgumentError("empty; expected a Lua expression");
  }
  Expression expression{.code = std::move(code), .chunk_name = std::move(chunk_name)};
  if (absl::Status as_expression = Compile(state, "return " + expression.code, expression.chunk_name);
      !as_expression.ok()) {
    expression.is_block = true;
    if (absl::Status as_block = Compile(state, expression.code, expression.chunk_name); !as_block.ok()) {
      return LooksLikeBlock(expression.code) ? as_block : as_expression;
    }
  }
  absl::StatusOr<GlobalNames> names = TakeGlobalNames(state);
  if (!names.ok()) return names.status();
  if (names->uses_environment) return NoEnvironment();
  if (!names->assigned.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("assigns to the global '", *names->assigned.begin(),
                                                   "'; declare it with `local`: a node gives its value with return"));
  }
  expression.names = std::move(names->read);
  return expression;
}

absl::StatusOr<std::string> FunctionSource(lua_State* state, const Expression& expression,
                                           const std::set<std::string>& parameters) {
  // The code stays on the first line, so that the line numbers of messages are those of the definition. The line
  // break ends a comment that the code may end with.
  std::string source = absl::StrCat("return function(", absl::StrJoin(parameters, ","), ") ",
                                    expression.is_block ? "" : "return ", expression.code, "\nend");
  if (absl::Status status = Compile(state, source, expression.chunk_name); !status.ok()) return status;
  const absl::StatusOr<GlobalNames> names = TakeGlobalNames(state);
  if (!names.ok()) return names.status();
  for (const std::string& parameter : parameters) {
    if (names->read.contains(parameter)) return NoEnvironment();
  }
  return source;
}

}  // namespace millrace::execution
