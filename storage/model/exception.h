// Records that failed for good, and the groups they fall into.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace millrace::model {

/// What became of an exception. Stored: never change the numbers.
enum class ExceptionState : int32_t { kUnresolved = 1 };

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
  ExceptionState state = ExceptionState::kUnresolved;
  /// How often the record was run again before it failed for good.
  int32_t retries = 0;
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
};

/// The code of each record of a chunk whose stored input is damaged or gone: the loss is accounted for.
inline constexpr std::string_view kInputLostCode = "INPUT_LOST";

/// `SEQUENCE-INDEX`: unique within a job, made without asking anyone.
std::string ExceptionId(int64_t sequence, int32_t index);

/// A message with its variables taken out, so that failures with one cause look alike: each quoted text ('…',
/// "…" or `…`) becomes `'…'`, each number `#`. The node name and code are not part of it.
std::string NormaliseMessage(std::string_view message);

/// Identifies a group within a job: 16 hexadecimal digits over node, code, normalised message and config hash.
std::string Fingerprint(std::string_view node, std::string_view code, std::string_view normalised_message,
                        std::string_view config_hash);

/// The fingerprint of the group that takes what no further group is kept for (kExceptionGroupsPerJobMax).
inline constexpr std::string_view kOtherFingerprint = "0000000000000000";

}  // namespace millrace::model
