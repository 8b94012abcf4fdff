// Texts that end up before people and in messages: always UTF-8, never longer than a person reads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace::execution {

/// `text` with each byte that is not UTF-8 replaced by U+FFFD, cut to `bytes_max` at the end of a character.
std::string CleanText(std::string_view text, size_t bytes_max);

/// `text` in single quotes, cut to 64 bytes with an ellipsis behind what is left.
std::string Quote(std::string_view text);

/// Why the outputs of a chunk are too many bytes.
std::string OutputsTooLargeMessage();

}  // namespace millrace::execution
