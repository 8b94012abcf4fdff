#include "server/execution/lua_service_compiler.h"

#include <utility>

#include "server/execution/lua_program.h"
#include "server/execution/lua_service_runner.h"

namespace millrace::execution {
namespace {

class LuaServiceCompiler final : public core::ServiceCompiler {
 public:
  explicit LuaServiceCompiler(const model::Clock* clock) : clock_(clock) {}

  absl::StatusOr<core::ServiceDefinition> Plan(core::ServiceDefinition definition) const override {
    absl::StatusOr<Program> program = MakeProgram(definition, clock_);
    if (!program.ok()) return program.status();
    std::vector<core::ServiceNode> nodes;
    for (NodeProgram& planned : program->nodes) {
      for (core::ServiceNode& node : definition.nodes) {
        if (node.name != planned.name) continue;
        nodes.push_back(std::move(node));
        nodes.back().depends_on = std::move(planned.depends_on);
        break;
      }
    }
    definition.nodes = std::move(nodes);
    return definition;
  }

  absl::StatusOr<std::unique_ptr<core::ServiceRunner>> MakeRunner(const core::ServiceDefinition& plan) const override {
    absl::StatusOr<Program> program = MakeProgram(plan, clock_);
    if (!program.ok()) return program.status();
    return std::make_unique<LuaServiceRunner>(*std::move(program), clock_);
  }

 private:
  const model::Clock* const clock_;
};

}  // namespace

std::unique_ptr<core::ServiceCompiler> MakeLuaServiceCompiler(const model::Clock* clock) {
  return std::make_unique<LuaServiceCompiler>(clock);
}

}  // namespace millrace::execution
