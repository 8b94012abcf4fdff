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

/// The rows of the query in the order of their key; `behind_key`: those behind the key that $1 and so on hold.
std::string ReadingStatement(const Query& query, bool behind_key);

/// One row that says how many rows have the key that $1 and so on hold, in the eyes of the database.
std::string KeyCountStatement(const Query& query);

/// One row where a key of the query has a null.
std::string NullKeysStatement(const Query& query);

}  // namespace millrace::queries
