// Records that failed for good, and the groups they fall into.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/time/time.h"

namespace millrace::model {

/// A record of a job: the place of its chunk in push order, and its index in that chunk.
struct RecordPlace {
  int64_t sequence = 0;
  int32_t index = 0;

  friend bool operator==(const RecordPlace&, const RecordPlace&) = default;
  friend bool operator<(const RecordPlace& a, const RecordPlace& b) {
    return std::tie(a.sequence, a.index) < std::tie(b.sequence, b.index);
  }
};

/// Records of a chunk that stand side by side.
struct RecordRun {
  int64_t sequence = 0;
  int32_t first = 0;
  int32_t count = 0;

  friend bool operator==(const RecordRun&, const RecordRun&) = default;
};

/// The same records, each place that follows the one before it in the same run.
std::vector<RecordRun> RunsOf(const std::vector<RecordPlace>& places);
/// How many records there are.
int64_t CountOf(const std::vector<RecordRun>& runs);

/// What a person answered to a question that a record asked in a node of its service (`hold`).
struct RecordAnswer {
  /// Of the record in its chunk.
  int32_t index = 0;
  std::string node;
  std::string question;
  std::string answer;

  friend bool operator==(const RecordAnswer&, const RecordAnswer&) = default;
};

/// What became of an exception. The numbers are stored and millrace.v1.ExceptionState's: never change them.
enum class ExceptionState : int32_t {
  kUnresolved = 1,
  /// Its record waits to be run again, or runs.
  kReprocessing = 2,
  /// Its record has a result after all.
  kResolved = 3,
  /// It was decided that its record gets none.
  kDiscarded = 4,
  /// Its record failed again: what is to be resolved is the newer exception.
  kReplaced = 5,
};

/// How an exception was, or is to be, resolved. Stored: never change the numbers.
enum class ResolutionKind : int32_t {
  kNone = 0,
  /// Its record is run again as it is.
  kReprocess = 1,
  /// Another input is run in its place.
  kCorrectedInput = 2,
  /// A person gave its outputs.
  kOutputs = 3,
  kDiscard = 4,
  /// Its record is run again with the answer to the question that it asked.
  kAnswer = 5,
};

/// What was done about an exception, by whom and when. The exception itself stays as it was.
struct Resolution {
  ExceptionState state = ExceptionState::kUnresolved;
  ResolutionKind kind = ResolutionKind::kNone;
  /// The record that stands for the failed one since then: what is run again, or what a person gave. {0, 0}: none.
  RecordPlace rerun;
  std::string resolved_by;
  absl::Time time = absl::InfinitePast();
  std::string note;
  /// Of the exception, so that what comes of it finds its group, and is counted right.
  std::string fingerprint;
  bool held = false;
  /// kAnswer: what a person said.
  std::string answer;
};

/// Of some exceptions: how many were discarded, and how many of these were held.
struct Discards {
  int64_t count = 0;
  int64_t held = 0;
};

/// A record that failed, kept with all that is needed to mend it.
struct RecordException {
  int64_t sequence = 0;
  int32_t index = 0;
  std::string chunk_id;
  std::string input;
  std::string node;
  std::string code;
  std::string message;
  std::string fingerprint;
  std::string config_hash;
  absl::Time create_time = absl::InfinitePast();
  /// How often the record was run again before it failed for good.
  int32_t retries = 0;
  /// The exception that this one replaces, when its record was run again and failed again. {0, 0}: none.
  RecordPlace replaces;
  /// Its service asks a person, who has to say what becomes of the record: no failure of the job. `message` is the question.
  bool held = false;
  /// Stored beside the exception, and filled in when it is read.
  Resolution resolution;

  RecordPlace place() const { return {sequence, index}; }
};

/// Exceptions with the same cause.
struct ExceptionGroup {
  std::string fingerprint;
  std::string node;
  std::string code;
  std::string normalised_message;
  std::string config_hash;
  int64_t count = 0;
  absl::Time first_time = absl::InfinitePast();
  absl::Time last_time = absl::InfinitePast();
  std::string sample_exception_id;
  std::string sample_message;
  /// Of `count`: exceptions that nothing more has to be done about.
  int64_t settled_count = 0;
};

/// The code of each record of a chunk whose stored input is damaged or gone: the loss is accounted for.
inline constexpr std::string_view kInputLostCode = "INPUT_LOST";

/// The code of each record that is held.
inline constexpr std::string_view kHeldCode = "HELD";

/// `SEQUENCE-INDEX`: unique within a job, made without asking anyone.
std::string ExceptionId(int64_t sequence, int32_t index);
/// The place that an exception id names; nullopt for a text that is none.
std::optional<RecordPlace> ParseExceptionId(std::string_view id);

/// UPPER_SNAKE name of a state, for messages.
std::string_view ExceptionStateName(ExceptionState state);
/// True when nothing more has to be done: resolved, discarded or replaced.
bool IsSettled(ExceptionState state);

/// A message with its variables taken out, so that failures with one cause look alike: each quoted text ('…',
/// "…" or `…`) becomes `'…'`, each number `#`. The node name and code are not part of it.
std::string NormaliseMessage(std::string_view message);

/// Identifies a group within a job: 16 hexadecimal digits over node, code, normalised message and config hash.
std::string Fingerprint(std::string_view node, std::string_view code, std::string_view normalised_message,
                        std::string_view config_hash);

/// The fingerprint of the group that takes what no further group is kept for (kExceptionGroupsPerJobMax).
inline constexpr std::string_view kOtherFingerprint = "0000000000000000";

}  // namespace millrace::model
