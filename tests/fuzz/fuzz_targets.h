// The targets of targets.h, by what they take.
#pragma once

#include <string>
#include <string_view>

namespace millrace::fuzz {

// stored_bytes.cc: what is read from the disk.

/// A key that parses is made again from its parts, byte for byte.
std::string Keys(std::string_view bytes);
/// The first byte chooses the decoder. A row that decodes is encoded and decoded again without a difference.
std::string Rows(std::string_view bytes);
std::string Payloads(std::string_view bytes);

// requests.cc: what callers send.

/// What a token opens to, seals to the same token; anything else is PAGE_TOKEN_INVALID.
std::string PageTokens(std::string_view bytes);
/// A definition that is taken has a canonical form that is JSON.
std::string ServiceDefinitions(std::string_view bytes);
/// Lines through a service with inputs of every type: as many outputs or errors as records.
std::string RunRecords(std::string_view bytes);
/// A value that parses is written and parsed again without a difference.
std::string JsonValues(std::string_view bytes);

// files.cc: what people hand to the command line.

/// Every good row is a JSON object on one line.
std::string Csv(std::string_view bytes);
/// Every row is one line, and offsets only grow.
std::string JsonLines(std::string_view bytes);

}  // namespace millrace::fuzz
