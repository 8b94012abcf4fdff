// The fields of a rejects file that are not the record: added when a record is rejected, taken away when the mended
// file is read. What Cut returns for what Add made is the original, byte for byte.
#pragma once

#include <string>
#include <string_view>

#include "storage/records/json_text.h"

namespace millrace::records {

/// Why a record was rejected.
struct RejectReason {
  std::string code;
  /// Empty: failed before the first node.
  std::string node;
  std::string message;
};

/// Adds and cuts the fields in lines of JSON. Reuse one: it keeps its memory. Not thread-safe.
class RejectFields {
 public:
  /// The JSON object in `line` with `_reject_code`, `_reject_node` and `_reject_message` behind its own fields. A line
  /// that is no JSON object becomes one that carries it as `_reject_raw`, or as `_reject_raw_base64` when it is not
  /// UTF-8.
  std::string Add(std::string_view line, const RejectReason& reason);

  /// The line without fields that begin with `_reject_`; the raw line where it is carried and nothing was put beside
  /// it. Other lines are returned as they are.
  std::string Cut(std::string line);

 private:
  JsonObjectScanner scanner_;
};

}  // namespace millrace::records
