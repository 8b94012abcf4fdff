// The statements that are made of a query.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace millrace::queries {

struct Query;

/// An error where the text does not begin with a word for reading, comments and brackets left aside. What it is beyond that,
/// the database knows.
absl::Status CheckFirstWord(std::string_view text);

/// The rows of the query in the order of their key; `from_key`: from the key on that $1 and so on hold.
std::string ReadingStatement(const Query& query, bool from_key);

/// One row where a key of the query has a null.
std::string NullKeysStatement(const Query& query);

}  // namespace millrace::queries
