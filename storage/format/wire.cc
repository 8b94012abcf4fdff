#include "storage/format/wire.h"

namespace millrace::format::wire {
namespace {

constexpr int kVarintBytesMax = 10;

bool TakeFixed(std::string_view& in, size_t width, uint64_t& value) {
  if (in.size() < width) return false;
  value = 0;
  for (size_t i = 0; i < width; ++i) value |= uint64_t{static_cast<uint8_t>(in[i])} << (8 * i);
  in.remove_prefix(width);
  return true;
}

}  // namespace

void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void AppendFixed64(std::string& out, uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>(value >> shift));
}

void AppendTag(std::string& out, uint32_t number, Type type) {
  AppendVarint(out, uint64_t{number} << 3 | static_cast<uint8_t>(type));
}

void InsertLength(std::string& out, size_t begin) {
  std::string length;
  AppendVarint(length, out.size() - begin);
  out.insert(begin, length);
}

bool TakeVarint(std::string_view& in, uint64_t& value) {
  value = 0;
  for (int i = 0; i < kVarintBytesMax && !in.empty(); ++i) {
    const auto byte = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    value |= uint64_t{byte & 0x7Fu} << (7 * i);
    // The tenth byte holds the last bit of 64.
    if (byte < 0x80) return i < kVarintBytesMax - 1 || byte <= 1;
  }
  return false;
}

bool TakeField(std::string_view& in, Field& field) {
  uint64_t tag = 0;
  if (!TakeVarint(in, tag) || tag >> 3 == 0 || tag >> 32 != 0) return false;
  field.number = static_cast<uint32_t>(tag >> 3);
  field.type = static_cast<Type>(tag & 7);
  field.bytes = {};
  field.scalar = 0;
  switch (field.type) {
    case Type::kVarint:
      return TakeVarint(in, field.scalar);
    case Type::kFixed64:
      return TakeFixed(in, 8, field.scalar);
    case Type::kFixed32:
      return TakeFixed(in, 4, field.scalar);
    case Type::kBytes: {
      uint64_t length = 0;
      if (!TakeVarint(in, length) || length > in.size()) return false;
      field.bytes = in.substr(0, length);
      in.remove_prefix(length);
      return true;
    }
  }
  return false;
}

}  // namespace millrace::format::wire
