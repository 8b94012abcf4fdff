// The closed world that nodes run in: one Lua state with its memory, its budgets and its library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "lua.hpp"
#include "server/execution/lua_allocator.h"
#include "storage/model/clock.h"

namespace millrace::execution {

/// Why a record stopped.
struct RecordError {
  std::string code;
  std::string message;
  /// True for `hold`: a person has to decide.
  bool held = false;
  /// True for `retry`: may pass, so the record is worth another attempt.
  bool transient = false;
};

/// What `warn` was told.
struct Warning {
  int node = 0;
  std::string message;
};

/// What `count` was told.
struct Label {
  std::string text;
  int64_t count = 0;
};

/// Owns a Lua state. Whatever runs in it is stopped when it takes too many instructions, too much time or too much
/// memory; nothing it does can reach the next record. Used by one thread at a time.
class Sandbox {
 public:
  explicit Sandbox(const model::Clock* clock);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  lua_State* state() const { return state_; }
  /// The sandbox that owns `state`.
  static Sandbox& Of(lua_State* state) { return **static_cast<Sandbox**>(lua_getextraspace(state)); }

  /// Starts a record: full budgets, no warnings, no labels, and random numbers that follow from `seed` alone.
  void BeginRecord(int64_t now_nanos, absl::Duration timeout, uint64_t seed);

  /// Says which node runs, for warnings.
  void EnterNode(int node) { node_ = node; }

  /// A question of the node that runs, and what a person said.
  struct Answer {
    std::string_view question;
    std::string_view answer;
  };
  /// What `hold` finds from now on.
  void SetAnswers(std::vector<Answer> answers) { answers_ = std::move(answers); }
  /// The answer to a question, or nullptr. The question is compared in the form in which it was shown.
  const Answer* FindAnswer(std::string_view question) const;

  /// Counts work that a library function is about to do as so many instructions. Raises a Lua error when the record
  /// has used up its instructions or its time. For use inside a protected call, as all that raises.
  void Charge(int64_t instructions);

  /// Raises a Lua error that TakeError turns into `error`.
  [[noreturn]] void Raise(RecordError error);

  /// Keeps a warning of the node that runs; the first kWarningsPerRecordMax of a record.
  void Warn(std::string_view message);

  /// Warnings since BeginRecord.
  const std::vector<Warning>& warnings() const { return warnings_; }

  /// Counts a label of 1 to kLabelBytesMax bytes. Of a record with more than kLabelsPerRecordMax, the others are one:
  /// model::kOtherName.
  void Count(std::string_view label);

  /// Labels since BeginRecord, each once.
  const std::vector<Label>& labels() const { return labels_; }

  /// The next 64 random bits of the record.
  uint64_t NextRandom();

  /// What a protected call that returned `status` (not LUA_OK) failed of. Pops the error value.
  RecordError TakeError(int status);

  /// True once the clock has passed the record's deadline.
  bool IsLate(int64_t now_nanos) const { return now_nanos > deadline_nanos_; }
  RecordError TimeoutError() const;

  /// Bytes the state holds, with free ones it will use again.
  size_t reserved_bytes() const { return allocator_.reserved_bytes(); }

 private:
  static void OnCount(lua_State* state, lua_Debug*);
  static void OnStrain(void* self, size_t bytes);

  void CountInstructions(int interval);
  int NextInterval() const;
  void CheckBudgets();

  const model::Clock* const clock_;
  LuaAllocator allocator_;
  lua_State* state_ = nullptr;
  // Instructions until the hook runs next.
  int interval_ = 0;
  int64_t instructions_ = 0;
  int64_t deadline_nanos_ = 0;
  absl::Duration timeout_;
  uint64_t random_state_ = 0;
  int node_ = 0;
  std::vector<Warning> warnings_;
  std::vector<Label> labels_;
  std::vector<Answer> answers_;
  bool has_error_ = false;
  RecordError error_;
};

}  // namespace millrace::execution
