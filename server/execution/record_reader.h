// Takes the declared inputs out of a record: the only part of it that becomes Lua values.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/core/service_definition.h"
#include "server/execution/sandbox.h"
#include "simdjson.h"

namespace millrace::execution {

/// Parses one record after the other. A record must be one JSON object, whole and in UTF-8; of a field given twice
/// the last counts.
class RecordReader {
 public:
  /// `outputs` are the names that must not be fields of a record whose fields are all kept.
  RecordReader(std::vector<core::ServiceInput> inputs, const std::vector<std::string>& outputs);

  /// Reads `line`, behind whose end kPayloadPadding bytes must be readable. What it found is valid until the next
  /// call.
  std::optional<RecordError> Read(std::string_view line);

  /// Pushes input number `input` as a Lua value, or says what is wrong with it and pushes nothing.
  std::optional<RecordError> Push(lua_State* state, size_t input);

  /// The JSON of an input whose value is an object or an array.
  std::string JsonOf(size_t input) const;

  /// The first output of which `kept` is true and that is a field of the record.
  std::optional<size_t> TakenOutput(const std::vector<bool>& kept) const;

  /// Gives back the memory that an unusually large record took.
  void Shrink();

 private:
  // What a field of records means to this service.
  struct FieldUse {
    // The first of the inputs that read it, or kNone; next_reader_ names the others.
    size_t input = kNone;
    // The output of the same name, or kNone.
    size_t output = kNone;
  };
  struct Column {
    std::string name;
    FieldUse use;
  };
  struct Default {
    simdjson::dom::parser parser;
    simdjson::dom::element element;
  };

  static constexpr size_t kNone = static_cast<size_t>(-1);

  const FieldUse& UseOf(size_t column, std::string_view name);
  RecordError TypeError(size_t input, const std::string& problem) const;
  std::optional<RecordError> PushDefault(lua_State* state, size_t input);
  std::optional<RecordError> PushElement(lua_State* state, size_t input, simdjson::dom::element element);
  std::optional<RecordError> PushText(lua_State* state, size_t input, std::string_view text);

  const std::vector<core::ServiceInput> inputs_;
  std::vector<size_t> next_reader_;
  std::vector<std::unique_ptr<Default>> defaults_;
  absl::flat_hash_map<std::string, FieldUse> uses_;
  // The fields of the records before, by place: most records of a chunk have the same ones in the same order, and
  // comparing with what was there is cheaper than looking up.
  std::vector<Column> columns_;

  simdjson::dom::parser parser_;
  // By input; those that are not `present_` hold an old value.
  std::vector<simdjson::dom::element> elements_;
  std::vector<bool> present_;
  std::vector<size_t> taken_outputs_;
};

}  // namespace millrace::execution
