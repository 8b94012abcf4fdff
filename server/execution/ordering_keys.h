// The ordering keys of records (JobOptions::ordering_key), for who must keep records with the same key in order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::execution {

/// One number for each of `record_count` lines of `json_lines`, which has kPayloadPadding bytes of capacity behind its end:
/// equal where the value of `field` is, and hardly ever equal elsewhere. A key is a string, a number or a boolean; 1 and
/// 1.0 are one key, 1 and "1" are two. Every other value, a record without the field and a record that is no JSON
/// object have the key `null`. Of a field given twice the last counts.
std::vector<uint64_t> OrderingKeys(const std::string& json_lines, int32_t record_count, std::string_view field);

/// The different keys of `keys`.
std::vector<uint64_t> DifferentKeys(std::vector<uint64_t> keys);

/// Parts records so that none has two of one key, and those of a key lie in as many parts in their order: the n-th part has
/// the n-th record of each key. `indexes` are ascending and index `keys`, and so is each part.
std::vector<std::vector<int32_t>> InWaves(const std::vector<int32_t>& indexes, std::span<const uint64_t> keys);

}  // namespace millrace::execution
