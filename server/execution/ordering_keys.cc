#include "server/execution/ordering_keys.h"

#include <algorithm>
#include <bit>

#include "absl/container/flat_hash_map.h"
#include "simdjson.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

using simdjson::dom::element_type;

// Tells a string from a number with the same bytes.
enum class Kind : unsigned char { kNull, kString, kNumber, kBoolean };

uint64_t Hash(Kind kind, std::string_view bytes) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
  const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 1099511628211u; };
  mix(static_cast<unsigned char>(kind));
  for (const char c : bytes) mix(static_cast<unsigned char>(c));
  return hash;
}

uint64_t HashOf(double number) {
  const auto bits = std::bit_cast<uint64_t>(number == 0 ? 0.0 : number);
  return Hash(Kind::kNumber, {reinterpret_cast<const char*>(&bits), sizeof(bits)});
}

uint64_t HashOf(simdjson::dom::element value) {
  switch (value.type()) {
    case element_type::STRING:
      return Hash(Kind::kString, value.get_string().value_unsafe());
    // Whole numbers beyond 2^53 share their number with a neighbour.
    case element_type::INT64:
      return HashOf(static_cast<double>(value.get_int64().value_unsafe()));
    case element_type::UINT64:
      return HashOf(static_cast<double>(value.get_uint64().value_unsafe()));
    case element_type::DOUBLE:
      return HashOf(value.get_double().value_unsafe());
    case element_type::BOOL:
      return Hash(Kind::kBoolean, value.get_bool().value_unsafe() ? "t" : "f");
    default:
      return Hash(Kind::kNull, {});
  }
}

uint64_t KeyOf(simdjson::dom::parser& parser, std::string_view line, std::string_view field) {
  uint64_t key = Hash(Kind::kNull, {});
  // The record fails unread, whatever its key.
  if (line.size() > model::kRecordBytesMax) return key;
  simdjson::dom::object record;
  if (parser.parse(line.data(), line.size(), false).get_object().get(record) != simdjson::SUCCESS) return key;
  for (const auto entry : record) {
    if (entry.key == field) key = HashOf(entry.value);
  }
  return key;
}

}  // namespace

std::vector<uint64_t> OrderingKeys(const std::string& json_lines, int32_t record_count, std::string_view field) {
  std::vector<uint64_t> keys;
  keys.reserve(static_cast<size_t>(record_count));
  simdjson::dom::parser parser;
  std::string_view unread = json_lines;
  for (int32_t i = 0; i < record_count; ++i) {
    const size_t end = std::min(unread.find('\n'), unread.size());
    keys.push_back(KeyOf(parser, unread.substr(0, end), field));
    unread.remove_prefix(std::min(end + 1, unread.size()));
  }
  return keys;
}

std::vector<uint64_t> DifferentKeys(std::vector<uint64_t> keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

std::vector<std::vector<int32_t>> InWaves(const std::vector<int32_t>& indexes, std::span<const uint64_t> keys) {
  std::vector<std::vector<int32_t>> waves;
  absl::flat_hash_map<uint64_t, size_t> seen;
  for (const int32_t index : indexes) {
    const size_t wave = seen[keys[static_cast<size_t>(index)]]++;
    if (wave == waves.size()) waves.emplace_back();
    waves[wave].push_back(index);
  }
  return waves;
}

}  // namespace millrace::execution
