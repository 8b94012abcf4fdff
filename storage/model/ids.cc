#include "storage/model/ids.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"

namespace millrace::model {
namespace {

constexpr std::string_view kBase32 = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr size_t kTimeCharacters = 10;
constexpr size_t kRandomHighCharacters = 4;
constexpr size_t kRandomLowCharacters = 12;
constexpr int64_t kMillisMax = (int64_t{1} << 48) - 1;

bool IsIdCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == ':' || c == '-';
}

// The low `characters` * 5 bits of `value`, highest first.
void AppendBase32(std::string& out, uint64_t value, size_t characters) {
  for (size_t left = characters; left-- > 0;) out.push_back(kBase32[(value >> (left * 5)) & 31]);
}

}  // namespace

absl::Status ValidateId(std::string_view field, std::string_view id, size_t bytes_max) {
  const std::string expected = absl::StrCat("expected 1 to ", bytes_max, " of the characters A-Z a-z 0-9 . _ : -");
  if (id.empty()) return FieldError(field, absl::StrCat("is empty, ", expected));
  if (id.size() > bytes_max) return FieldError(field, absl::StrCat("holds ", id.size(), " bytes, ", expected));
  const auto odd = std::find_if_not(id.begin(), id.end(), IsIdCharacter);
  if (odd == id.end()) return absl::OkStatus();
  return FieldError(field, absl::StrCat("holds '", absl::CEscape(std::string(1, *odd)), "' at byte ",
                                        odd - id.begin() + 1, ", ", expected));
}

IdGenerator::IdGenerator(const Clock* clock, uint64_t seed) : clock_(clock), random_(seed) {}

std::string IdGenerator::Next() {
  const int64_t millis = std::clamp<int64_t>(absl::ToUnixMillis(clock_->Now()), 0, kMillisMax);
  uint64_t high = 0;
  uint64_t low = 0;
  {
    absl::MutexLock lock(&mutex_);
    high = random_();
    low = random_();
  }
  std::string id;
  id.reserve(kTimeCharacters + kRandomHighCharacters + kRandomLowCharacters);
  AppendBase32(id, static_cast<uint64_t>(millis), kTimeCharacters);
  AppendBase32(id, high, kRandomHighCharacters);
  AppendBase32(id, low, kRandomLowCharacters);
  return id;
}

}  // namespace millrace::model
