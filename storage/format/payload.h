// Payloads as they are stored: compressed once, when they arrive, and checked when they are read.
//
//   codec (1 byte: 0 stored as it is, 1 an LZ4 block)  raw size (8 bytes)  XXH3-64 of the raw bytes (8 bytes)  bytes
//
// The numbers are big-endian.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace::format {

/// Compresses; keeps as it is what would not shrink.
std::string EncodePayload(std::string_view raw);

/// The raw bytes, with at least model::kPayloadPadding bytes of capacity behind their end. STORAGE_CORRUPT for anything
/// that EncodePayload did not make.
absl::StatusOr<std::string> DecodePayload(std::string_view stored);

/// The size of the raw bytes, without looking at them. STORAGE_CORRUPT where it cannot be.
absl::StatusOr<size_t> PayloadSize(std::string_view stored);

}  // namespace millrace::format
