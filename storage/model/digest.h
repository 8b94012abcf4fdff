// Hashes whose values are stored, and so never change.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace millrace::model {

/// 16 hexadecimal digits (64 bits of XXH3) over a list of parts. Where one part ends and the next begins counts. For
/// telling things apart that nobody forges; not for secrets.
std::string Digest64(std::initializer_list<std::string_view> parts);

/// The same with 32 digits (128 bits), for what must not collide among billions.
std::string Digest128(std::initializer_list<std::string_view> parts);

}  // namespace millrace::model
