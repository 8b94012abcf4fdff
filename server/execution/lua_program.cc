#include "server/execution/lua_program.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/execution/lua_expression.h"
#include "storage/model/errors.h"

namespace millrace::execution {
namespace {

constexpr std::string_view kParameters = "params";

// Globals of standard Lua that people will look for.
constexpr std::array<std::string_view, 16> kNotInSandbox = {
    "collectgarbage", "coroutine", "debug", "dofile", "getmetatable", "io",      "load",        "loadfile", "os",
    "package",        "pcall",     "print", "rawget", "rawset",       "require", "setmetatable"};

absl::Status Invalid(const std::string& path, const std::string& message) {
  return model::MakeError(model::Reason::kServiceDefinitionInvalid, absl::StrCat(path, ": ", message));
}

// Insertions, deletions and replacements that lead from `a` to `b`.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// A node with its expressions read but not yet in its place.
struct ReadNode {
  const core::ServiceNode* node = nullptr;
  Expression lua;
  std::optional<Expression> when;
  std::set<std::string> depends_on;
};

class ProgramMaker {
 public:
  ProgramMaker(const core::ServiceDefinition& definition, const model::Clock* clock)
      : definition_(definition), sandbox_(clock) {}

  absl::StatusOr<Program> Make() {
    for (const core::ServiceInput& input : definition_.inputs) known_.insert(input.name);
    for (const core::ServiceNode& node : definition_.nodes) known_.insert(node.name);
    for (const core::ServiceNode& node : definition_.nodes) {
      if (absl::Status status = Read(node); !status.ok()) return status;
    }
    Program program{.inputs = definition_.inputs, .nodes = {}, .outputs = definition_.outputs};
    if (absl::Status status = PutInOrder(program); !status.ok()) return status;
    for (size_t i = 0; i < program.inputs.size(); ++i) values_[program.inputs[i].name] = static_cast<int>(i);
    for (size_t i = 0; i < program.nodes.size(); ++i) values_[program.nodes[i].name] = program.node_value(i);
    values_[std::string(kParameters)] = program.parameters_value();
    for (NodeProgram& node : program.nodes) {
      if (absl::Status status = Fill(node); !status.ok()) return status;
    }
    return program;
  }

 private:
  static std::string Path(const std::string& node, bool is_when) {
    return absl::StrCat("nodes.", node, is_when ? ".when" : ".lua");
  }

  absl::Status Read(const core::ServiceNode& node) {
    ReadNode read{.node = &node, .lua = {}, .when = {}, .depends_on = {}};
    absl::StatusOr<Expression> lua = ReadOne(node.lua, node.name, false, read.depends_on);
    if (!lua.ok()) return lua.status();
    read.lua = *std::move(lua);
    if (!node.when.empty()) {
      absl::StatusOr<Expression> when = ReadOne(node.when, node.name, true, read.depends_on);
      if (!when.ok()) return when.status();
      read.when = *std::move(when);
    }
    nodes_.emplace(node.name, std::move(read));
    return absl::OkStatus();
  }

  absl::StatusOr<Expression> ReadOne(const std::string& code, const std::string& node, bool is_when,
                                     std::set<std::string>& depends_on) {
    absl::StatusOr<Expression> expression = ReadExpression(sandbox_.state(), code, is_when ? node + ".when" : node);
    if (!expression.ok()) return Invalid(Path(node, is_when), std::string(expression.status().message()));
    const absl::Span<const std::string_view> sandbox_names = core::SandboxNames();
    for (const std::string& name : expression->names) {
      if (known_.contains(name)) {
        depends_on.insert(name);
      } else if (std::find(sandbox_names.begin(), sandbox_names.end(), name) == sandbox_names.end()) {
        return Invalid(Path(node, is_when), UnknownName(name));
      }
    }
    return expression;
  }

  std::string UnknownName(const std::string& name) const {
    if (std::find(kNotInSandbox.begin(), kNotInSandbox.end(), name) != kNotInSandbox.end()) {
      return absl::StrCat("'", name, "' is not in the sandbox");
    }
    std::string message = absl::StrCat("unknown name '", name, "': it is no input, no node and not in the sandbox");
    std::string nearest;
    size_t nearest_distance = std::min<size_t>(3, name.size());
    const auto consider = [&](std::string_view candidate) {
      const size_t distance = EditDistance(name, candidate);
      if (distance >= nearest_distance) return;
      nearest_distance = distance;
      nearest = candidate;
    };
    for (const std::string& candidate : known_) consider(candidate);
    for (const std::string_view candidate : core::SandboxNames()) consider(candidate);
    if (!nearest.empty()) absl::StrAppend(&message, "; did you mean '", nearest, "'?");
    return message;
  }

  // Kahn's algorithm; of the nodes that could run next, the first by name does.
  absl::Status PutInOrder(Program& program) {
    std::map<std::string, size_t> missing;
    std::map<std::string, std::vector<std::string>> needed_by;
    std::set<std::string> ready;
    for (const auto& [name, read] : nodes_) {
      size_t& count = missing[name];
      for (const std::string& dependency : read.depends_on) {
        if (!nodes_.contains(dependency)) continue;
        ++count;
        needed_by[dependency].push_back(name);
      }
      if (count == 0) ready.insert(name);
    }
    while (!ready.empty()) {
      const std::string name = *ready.begin();
      ready.erase(ready.begin());
      missing.erase(name);
      const std::set<std::string>& depends_on = nodes_.at(name).depends_on;
      program.nodes.push_back(
          {.name = name, .lua = {}, .when = {}, .depends_on = {depends_on.begin(), depends_on.end()}});
      for (const std::string& next : needed_by[name]) {
        if (--missing[next] == 0) ready.insert(next);
      }
    }
    if (missing.empty()) return absl::OkStatus();
    return Invalid("nodes", absl::StrCat("a cycle, each node needing the next: ", DrawCycle(missing)));
  }

  // Every node of `missing` needs another one of them, so following them must lead back somewhere.
  std::string DrawCycle(const std::map<std::string, size_t>& missing) const {
    std::vector<std::string> path = {missing.begin()->first};
    while (true) {
      const std::set<std::string>& depends_on = nodes_.at(path.back()).depends_on;
      const std::string next = *std::find_if(depends_on.begin(), depends_on.end(),
                                             [&](const std::string& name) { return missing.contains(name); });
      const auto seen = std::find(path.begin(), path.end(), next);
      const bool closed = seen != path.end();
      if (closed) path.erase(path.begin(), seen);
      path.push_back(next);
      if (closed) return absl::StrJoin(path, " -> ");
    }
  }

  absl::Status Fill(NodeProgram& node) {
    const ReadNode& read = nodes_.at(node.name);
    absl::StatusOr<LuaFunction> lua = MakeFunction(read.lua);
    if (!lua.ok()) return Invalid(Path(node.name, false), std::string(lua.status().message()));
    node.lua = *std::move(lua);
    if (read.when.has_value()) {
      absl::StatusOr<LuaFunction> when = MakeFunction(*read.when);
      if (!when.ok()) return Invalid(Path(node.name, true), std::string(when.status().message()));
      node.when = *std::move(when);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<LuaFunction> MakeFunction(const Expression& expression) {
    LuaFunction function{.source = {}, .chunk_name = expression.chunk_name, .arguments = {}};
    std::set<std::string> parameters;
    for (const std::string& name : expression.names) {
      const auto value = values_.find(name);
      if (value == values_.end()) continue;
      parameters.insert(name);
      function.arguments.push_back(value->second);
    }
    absl::StatusOr<std::string> source = FunctionSource(sandbox_.state(), expression, parameters);
    if (!source.ok()) return source.status();
    function.source = *std::move(source);
    return function;
  }

  const core::ServiceDefinition& definition_;
  Sandbox sandbox_;
  std::set<std::string> known_;
  std::map<std::string, ReadNode> nodes_;
  std::map<std::string, int> values_;
};

}  // namespace

std::optional<int> Program::OutputValue(std::string_view output) const {
  if (output == core::kAllFields || std::find(outputs.begin(), outputs.end(), output) == outputs.end()) {
    return std::nullopt;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].name == output) return static_cast<int>(i);
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].name == output) return node_value(i);
  }
  return std::nullopt;
}

absl::StatusOr<Program> MakeProgram(const core::ServiceDefinition& definition, const model::Clock* clock) {
  return ProgramMaker(definition, clock).Make();
}

}  // namespace millrace::execution
