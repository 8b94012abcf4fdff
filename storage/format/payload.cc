#include "storage/format/payload.h"

#include <lz4.h>
#include <xxhash.h>

#include <cstdint>
#include <memory>

#include "storage/model/chunk.h"
#include "storage/model/errors.h"

namespace millrace::format {
namespace {

constexpr char kStored = 0;
constexpr char kLz4 = 1;
constexpr size_t kNumberBytes = 8;
constexpr size_t kHeaderBytes = 1 + 2 * kNumberBytes;
// An LZ4 block cannot hold more than 255 bytes for each of its own.
constexpr size_t kLz4RatioMax = 255;

absl::Status Corrupt() {
  return model::MakeError(model::Reason::kStorageCorrupt,
                          "a stored payload is damaged; check the disk and restore from a backup");
}

void PutNumber(char* at, uint64_t number) {
  for (size_t i = 0; i < kNumberBytes; ++i) at[i] = static_cast<char>(number >> (8 * (kNumberBytes - 1 - i)));
}

uint64_t GetNumber(std::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < kNumberBytes; ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

/// Memory that is not zeroed, kept by the thread for the next payload of a usual size.
class Scratch {
 public:
  explicit Scratch(size_t size) {
    if (size > kKeptBytes) {
      own_.reset(new char[size]);
      return;
    }
    thread_local const std::unique_ptr<char[]> kept(new char[kKeptBytes]);
    kept_ = kept.get();
  }

  char* data() { return own_ != nullptr ? own_.get() : kept_; }

 private:
  static constexpr size_t kKeptBytes = 256 * 1024;

  std::unique_ptr<char[]> own_;
  char* kept_ = nullptr;
};

}  // namespace

std::string EncodePayload(std::string_view raw) {
  std::string stored(kHeaderBytes, kStored);
  int size = 0;
  if (!raw.empty() && raw.size() <= LZ4_MAX_INPUT_SIZE) {
    Scratch scratch(raw.size());
    // Room for one byte less than the raw size: LZ4 gives up as soon as it would not shrink.
    size = LZ4_compress_default(raw.data(), scratch.data(), static_cast<int>(raw.size()),
                                static_cast<int>(raw.size() - 1));
    if (size > 0) {
      stored[0] = kLz4;
      stored.append(scratch.data(), static_cast<size_t>(size));
    }
  }
  if (size <= 0) stored.append(raw);
  PutNumber(stored.data() + 1, raw.size());
  PutNumber(stored.data() + 1 + kNumberBytes, XXH3_64bits(raw.data(), raw.size()));
  return stored;
}

absl::StatusOr<size_t> PayloadSize(std::string_view stored) {
  if (stored.size() < kHeaderBytes) return Corrupt();
  const char codec = stored[0];
  const uint64_t raw_size = GetNumber(stored.substr(1));
  const size_t block_size = stored.size() - kHeaderBytes;
  const bool possible = codec == kStored ? raw_size == block_size
                        : codec == kLz4  ? raw_size <= LZ4_MAX_INPUT_SIZE && raw_size / kLz4RatioMax <= block_size
                                         : false;
  if (!possible) return Corrupt();
  return static_cast<size_t>(raw_size);
}

absl::StatusOr<std::string> DecodePayload(std::string_view stored) {
  absl::StatusOr<size_t> size = PayloadSize(stored);
  if (!size.ok()) return size.status();
  const std::string_view block = stored.substr(kHeaderBytes);
  std::string raw;
  raw.reserve(*size + model::kPayloadPadding);
  if (stored[0] == kStored) {
    raw.assign(block);
  } else {
    raw.resize(*size);
    const int decoded =
        LZ4_decompress_safe(block.data(), raw.data(), static_cast<int>(block.size()), static_cast<int>(*size));
    if (decoded < 0 || static_cast<size_t>(decoded) != *size) return Corrupt();
  }
  if (GetNumber(stored.substr(1 + kNumberBytes)) != XXH3_64bits(raw.data(), raw.size())) return Corrupt();
  return raw;
}

}  // namespace millrace::format
