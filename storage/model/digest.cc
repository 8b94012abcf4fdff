#include "storage/model/digest.h"

#include <xxhash.h>

#include <array>
#include <cstdint>
#include <memory>

#include "absl/strings/str_cat.h"

namespace millrace::model {
namespace {

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
using State = std::unique_ptr<XXH3_state_t, FreeState>;

// The length in front of each part keeps ("ab", "c") and ("a", "bc") apart; little-endian on every machine.
std::array<unsigned char, 8> LengthBytes(std::string_view part) {
  std::array<unsigned char, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(uint64_t{part.size()} >> (8 * i));
  return bytes;
}

std::string Hex(uint64_t value) { return absl::StrCat(absl::Hex(value, absl::kZeroPad16)); }

}  // namespace

std::string Digest64(std::initializer_list<std::string_view> parts) {
  const State state(XXH3_createState());
  XXH3_64bits_reset(state.get());
  for (const std::string_view part : parts) {
    const auto length = LengthBytes(part);
    XXH3_64bits_update(state.get(), length.data(), length.size());
    XXH3_64bits_update(state.get(), part.data(), part.size());
  }
  return Hex(XXH3_64bits_digest(state.get()));
}

std::string Digest128(std::initializer_list<std::string_view> parts) {
  const State state(XXH3_createState());
  XXH3_128bits_reset(state.get());
  for (const std::string_view part : parts) {
    const auto length = LengthBytes(part);
    XXH3_128bits_update(state.get(), length.data(), length.size());
    XXH3_128bits_update(state.get(), part.data(), part.size());
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return absl::StrCat(Hex(hash.high64), Hex(hash.low64));
}

}  // namespace millrace::model
