// The codec of rows: protobuf's wire format, so that `protoc --decode_raw` reads any row and a row can gain fields.
// Each struct has one list of its fields (fields.h), a template over the archives here:
//
//   template <class Archive, Row<model::Aggregation> T>
//   void Fields(Archive& archive, T& aggregation) {
//     archive(1, aggregation.output_name);
//     archive(2, aggregation.op);
//   }
//
// A value that is zero or empty is not written, and a field that is not there reads as zero or empty, whatever the
// default of the struct in memory: defaults may change, rows may not. Integers and enums are varints (negative ones
// in ten bytes; an optional one is written also where it is zero), doubles and times fixed64 (times as Unix nanoseconds;
// never written for InfinitePast), durations varints of nanoseconds, vectors of integers packed, maps as protobuf's. Fields
// that nobody knows are skipped.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace millrace::format {

/// T is Struct or const Struct: a list of fields serves reading and writing.
template <class T, class Struct>
concept Row = std::is_same_v<std::remove_const_t<T>, Struct>;

namespace wire {

enum class Type : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void AppendVarint(std::string& out, uint64_t value);
void AppendFixed64(std::string& out, uint64_t value);
/// Appends a tag.
void AppendTag(std::string& out, uint32_t number, Type type);
/// Puts the length of what was appended since `begin` in front of it.
void InsertLength(std::string& out, size_t begin);
/// Takes a varint off the front. False when there is none.
bool TakeVarint(std::string_view& in, uint64_t& value);

/// One field as it stands in a row.
struct Field {
  uint32_t number = 0;
  Type type = Type::kVarint;
  /// Of a varint or fixed number.
  uint64_t scalar = 0;
  std::string_view bytes;
};

/// Takes a field off the front. False when there is none that is whole.
bool TakeField(std::string_view& in, Field& field);

/// Seen as a varint.
template <class T>
concept Integer = std::integral<T> || std::is_enum_v<T>;

/// Vectors of it are packed.
template <class T>
concept Packed = std::integral<T>;

/// What has a list of fields, lists and maps apart (the archives tell those by overload).
template <class T>
concept Struct = std::is_class_v<T> && !std::is_same_v<T, std::string> && !std::is_same_v<T, std::string_view> &&
                 !std::is_same_v<T, absl::Time> && !std::is_same_v<T, absl::Duration>;

}  // namespace wire

/// An archive that appends fields to a row.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <wire::Integer T>
  void operator()(uint32_t number, T value) {
    if (value == T{}) return;
    wire::AppendTag(out_, number, wire::Type::kVarint);
    wire::AppendVarint(out_, static_cast<uint64_t>(value));
  }
  template <wire::Integer T>
  void operator()(uint32_t number, const std::optional<T>& value) {
    if (!value.has_value()) return;
    wire::AppendTag(out_, number, wire::Type::kVarint);
    wire::AppendVarint(out_, static_cast<uint64_t>(*value));
  }
  void operator()(uint32_t number, double value) { Fixed64(number, std::bit_cast<uint64_t>(value)); }
  void operator()(uint32_t number, absl::Duration value) { (*this)(number, absl::ToInt64Nanoseconds(value)); }
  void operator()(uint32_t number, absl::Time value) {
    if (value == absl::InfinitePast()) return;
    wire::AppendTag(out_, number, wire::Type::kFixed64);
    wire::AppendFixed64(out_, static_cast<uint64_t>(absl::ToUnixNanos(value)));
  }
  void operator()(uint32_t number, std::string_view value) {
    if (!value.empty()) Element(number, value);
  }
  void operator()(uint32_t number, const std::string& value) { (*this)(number, std::string_view(value)); }

  template <wire::Struct T>
  void operator()(uint32_t number, const T& value) {
    Nested(number, [&] { Fields(*this, value); });
  }
  template <class T>
  void operator()(uint32_t number, const std::vector<T>& values) {
    if constexpr (wire::Packed<T>) {
      if (values.empty()) return;
      Nested(number, [&] {
        for (const T value : values) wire::AppendVarint(out_, static_cast<uint64_t>(value));
      });
    } else {
      for (const T& value : values) Element(number, value);
    }
  }
  template <class K, class V>
  void operator()(uint32_t number, const std::map<K, V>& values) {
    for (const auto& entry : values) {
      Nested(number, [&] {
        (*this)(1, entry.first);
        (*this)(2, entry.second);
      });
    }
  }

 private:
  void Fixed64(uint32_t number, uint64_t bits) {
    if (bits == 0) return;
    wire::AppendTag(out_, number, wire::Type::kFixed64);
    wire::AppendFixed64(out_, bits);
  }
  // Elements are written even when they are empty: their number counts.
  void Element(uint32_t number, std::string_view value) {
    wire::AppendTag(out_, number, wire::Type::kBytes);
    wire::AppendVarint(out_, value.size());
    out_.append(value);
  }
  void Element(uint32_t number, const std::string& value) { Element(number, std::string_view(value)); }
  template <wire::Struct T>
  void Element(uint32_t number, const T& value) {
    (*this)(number, value);
  }
  template <class Body>
  void Nested(uint32_t number, Body body) {
    wire::AppendTag(out_, number, wire::Type::kBytes);
    const size_t begin = out_.size();
    body();
    wire::InsertLength(out_, begin);
  }

  std::string& out_;
};

/// An archive that sets every field to what an absent one means.
class Clearer {
 public:
  template <class T>
  void operator()(uint32_t, T& value) {
    Clear(value);
  }

  template <class T>
  static void Clear(T& value) {
    if constexpr (std::is_same_v<T, absl::Time>) {
      value = absl::InfinitePast();
    } else if constexpr (wire::Struct<T> && requires(Clearer c) { Fields(c, value); }) {
      Clearer clearer;
      Fields(clearer, value);
    } else {
      value = T{};
    }
  }
};

/// Reads the fields of a row into `value` without clearing it first. False where the bytes are not a row of it.
template <class T>
bool MergeRow(std::string_view in, T& value);

/// An archive that takes one field of a row to where it belongs.
class Matcher {
 public:
  explicit Matcher(const wire::Field& field) : field_(field) {}

  template <class T>
  void operator()(uint32_t number, T& value) {
    if (number == field_.number) ok_ = Read(value);
  }

  /// False when the field has another type than it must, or holds what is no such value.
  bool ok() const { return ok_; }

 private:
  template <wire::Integer T>
  bool Read(T& value) const {
    return field_.type == wire::Type::kVarint && ToInteger(field_.scalar, value);
  }
  template <wire::Integer T>
  bool Read(std::optional<T>& value) const {
    return Read(value.emplace());
  }
  bool Read(double& value) const {
    value = std::bit_cast<double>(field_.scalar);
    return field_.type == wire::Type::kFixed64;
  }
  bool Read(absl::Time& value) const {
    value = absl::FromUnixNanos(static_cast<int64_t>(field_.scalar));
    return field_.type == wire::Type::kFixed64;
  }
  bool Read(absl::Duration& value) const {
    value = absl::Nanoseconds(static_cast<int64_t>(field_.scalar));
    return field_.type == wire::Type::kVarint;
  }
  bool Read(std::string& value) const {
    value.assign(field_.bytes);
    return field_.type == wire::Type::kBytes;
  }
  bool Read(std::string_view& value) const {
    value = field_.bytes;
    return field_.type == wire::Type::kBytes;
  }
  template <wire::Struct T>
  bool Read(T& value) const {
    return field_.type == wire::Type::kBytes && MergeRow(field_.bytes, value);
  }
  template <class T>
  bool Read(std::vector<T>& values) const {
    if (field_.type != wire::Type::kBytes) return false;
    if constexpr (wire::Packed<T>) {
      std::string_view in = field_.bytes;
      while (!in.empty()) {
        uint64_t raw = 0;
        if (!wire::TakeVarint(in, raw) || !ToInteger(raw, values.emplace_back())) return false;
      }
      return true;
    } else {
      T& value = values.emplace_back();
      Clearer::Clear(value);
      return Read(value);
    }
  }
  template <class K, class V>
  bool Read(std::map<K, V>& values) const {
    K key{};
    V value;
    Clearer::Clear(value);
    std::string_view in = field_.bytes;
    bool ok = field_.type == wire::Type::kBytes;
    while (ok && !in.empty()) {
      wire::Field part;
      if (!wire::TakeField(in, part)) return false;
      Matcher matcher(part);
      matcher(1, key);
      matcher(2, value);
      ok = matcher.ok();
    }
    if (ok) values.insert_or_assign(std::move(key), std::move(value));
    return ok;
  }

  template <class T>
  static bool ToInteger(uint64_t raw, T& value) {
    value = static_cast<T>(raw);
    if constexpr (std::is_same_v<T, bool>) {
      return raw <= 1;
    } else {
      return static_cast<uint64_t>(value) == raw;
    }
  }

  const wire::Field& field_;
  bool ok_ = true;
};

template <class T>
bool MergeRow(std::string_view in, T& value) {
  while (!in.empty()) {
    wire::Field field;
    if (!wire::TakeField(in, field)) return false;
    Matcher matcher(field);
    Fields(matcher, value);
    if (!matcher.ok()) return false;
  }
  return true;
}

/// The row of a struct.
template <class T>
std::string WriteRow(const T& value) {
  std::string row;
  Writer writer(row);
  Fields(writer, value);
  return row;
}

/// Reads a whole row. False where the bytes are not a row of it.
template <class T>
bool ReadRow(std::string_view in, T& value) {
  Clearer::Clear(value);
  return MergeRow(in, value);
}

}  // namespace millrace::format
