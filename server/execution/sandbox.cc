#include "server/execution/sandbox.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/service_runner.h"
#include "server/execution/sandbox_library.h"
#include "server/execution/text.h"
#include "storage/model/limits.h"
#include "storage/model/run_statistics.h"

namespace millrace::execution {
namespace {

namespace record_code = core::record_code;

// How often the budgets are looked at, in instructions. An instruction on small values takes nanoseconds; one that
// joins or compares texts of megabytes takes milliseconds, so a state that has grown is looked at more often.
constexpr int kInterval = 10'000;
constexpr int kIntervalWhenLarge = 32;
constexpr size_t kLargeStateBytes = 1024 * 1024;

// Copying that many bytes takes about as long as an instruction.
constexpr size_t kBytesCopiedPerInstruction = 64;

// Library calls that cost more than this are worth a look at the clock.
constexpr int64_t kCheckedCharge = 1'000;

}  // namespace

Sandbox::Sandbox(const model::Clock* clock)
    : clock_(clock), allocator_(model::kLuaMemoryBytes, &Sandbox::OnStrain, this) {
  // Without a record the hook does not run, so there is nothing to stop while the library is set up.
  lua_State* state = lua_newstate(&LuaAllocator::Allocate, &allocator_);
  if (state == nullptr) throw std::bad_alloc();
  *static_cast<Sandbox**>(lua_getextraspace(state)) = this;
  OpenSandboxLibrary(state);
  state_ = state;
}

Sandbox::~Sandbox() {
  lua_State* state = std::exchange(state_, nullptr);
  lua_close(state);
}

void Sandbox::BeginRecord(int64_t now_nanos, absl::Duration timeout, uint64_t seed) {
  instructions_ = 0;
  timeout_ = timeout;
  const int64_t timeout_nanos = absl::ToInt64Nanoseconds(timeout);
  deadline_nanos_ = timeout_nanos > std::numeric_limits<int64_t>::max() - now_nanos
                        ? std::numeric_limits<int64_t>::max()
                        : now_nanos + timeout_nanos;
  random_state_ = seed;
  random_state_ = NextRandom();  // Neighbouring seeds begin far from each other.
  warnings_.clear();
  labels_.clear();
  has_error_ = false;
  CountInstructions(NextInterval());
}

int Sandbox::NextInterval() const { return reserved_bytes() > kLargeStateBytes ? kIntervalWhenLarge : kInterval; }

// Setting the hook again also starts its count again. It costs time for each function that is being called, so it is
// set again only where the interval changes.
void Sandbox::CountInstructions(int interval) {
  interval_ = interval;
  lua_sethook(state_, &Sandbox::OnCount, LUA_MASKCOUNT, interval);
}

void Sandbox::OnCount(lua_State* state, lua_Debug*) {
  Sandbox& sandbox = Of(state);
  sandbox.instructions_ += sandbox.interval_;
  const int interval = sandbox.NextInterval();
  if (interval != sandbox.interval_) sandbox.CountInstructions(interval);
  sandbox.CheckBudgets();
}

// An allocation must not raise: the hook is told to look at the very next instruction instead.
void Sandbox::OnStrain(void* self, size_t bytes) {
  auto& sandbox = *static_cast<Sandbox*>(self);
  if (sandbox.state_ == nullptr || sandbox.interval_ == 0) return;
  sandbox.instructions_ += static_cast<int64_t>(bytes / kBytesCopiedPerInstruction);
  sandbox.CountInstructions(1);
}

void Sandbox::Charge(int64_t instructions) {
  instructions_ += instructions;
  if (instructions > kCheckedCharge || instructions_ > model::kLuaInstructionsPerRecord) CheckBudgets();
}

void Sandbox::CheckBudgets() {
  if (instructions_ > model::kLuaInstructionsPerRecord) {
    Raise({.code = std::string(record_code::kInstructionLimit),
           .message = absl::StrCat("the record takes more than ", model::kLuaInstructionsPerRecord / 1'000'000,
                                   " million instructions")});
  }
  if (IsLate(clock_->SteadyNanos())) Raise(TimeoutError());
}

RecordError Sandbox::TimeoutError() const {
  return {.code = std::string(record_code::kRecordTimeout),
          .message = absl::StrCat("the record ran longer than ", absl::FormatDuration(timeout_))};
}

void Sandbox::Raise(RecordError error) {
  error_ = std::move(error);
  has_error_ = true;
  lua_pushnil(state_);
  lua_error(state_);
  std::abort();  // lua_error does not return, but does not say so.
}

const Sandbox::Answer* Sandbox::FindAnswer(std::string_view question) const {
  if (answers_.empty()) return nullptr;
  const auto answer = std::ranges::find(answers_, CleanText(question, model::kMessageTextBytesMax), &Answer::question);
  return answer == answers_.end() ? nullptr : &*answer;
}

void Sandbox::Warn(std::string_view message) {
  if (warnings_.size() >= model::kWarningsPerRecordMax) return;
  warnings_.push_back({.node = node_, .message = CleanText(message, model::kMessageTextBytesMax)});
}

void Sandbox::Count(std::string_view label) {
  std::string text = CleanText(label, model::kLabelBytesMax);
  const auto is_counted = [&](std::string_view name) {
    const auto found = std::ranges::find(labels_, name, &Label::text);
    if (found == labels_.end()) return false;
    ++found->count;
    return true;
  };
  if (is_counted(text)) return;
  if (labels_.size() >= model::kLabelsPerRecordMax) {
    text = model::kOtherName;
    if (is_counted(text)) return;
  }
  labels_.push_back({.text = std::move(text), .count = 1});
}

// SplitMix64.
uint64_t Sandbox::NextRandom() {
  random_state_ += 0x9E3779B97F4A7C15;
  uint64_t z = random_state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

RecordError Sandbox::TakeError(int status) {
  RecordError error;
  if (status == LUA_ERRMEM) {
    error.code = record_code::kMemoryLimit;
    error.message =
        absl::StrCat("the record needs more than ", model::kLuaMemoryBytes / (1024 * 1024), " MiB of memory");
  } else if (has_error_) {
    error = std::move(error_);
  } else {
    error.code = record_code::kLuaError;
    size_t size = 0;
    const char* text = lua_type(state_, -1) == LUA_TSTRING ? lua_tolstring(state_, -1, &size) : nullptr;
    error.message = text != nullptr
                        ? std::string(text, size)
                        : absl::StrCat("error was called with a ", luaL_typename(state_, -1), ", not with a text");
  }
  has_error_ = false;
  error.message = CleanText(error.message, model::kMessageTextBytesMax);
  lua_pop(state_, 1);
  return error;
}

}  // namespace millrace::execution
