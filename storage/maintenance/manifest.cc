#include "storage/maintenance/manifest.h"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"

namespace millrace::maintenance {
namespace {

constexpr char kFirstLine[] = "millrace backup 1";

absl::Status Unsound(const std::string& why) {
  return model::MakeError(model::Reason::kBackupUnsound,
                          absl::StrCat("the manifest of the backup ", why, "; take another backup"));
}

}  // namespace

int64_t Manifest::bytes() const {
  int64_t sum = 0;
  for (const auto& [path, file] : files) sum += file.bytes;
  return sum;
}

absl::StatusOr<ManifestFile> DescribeFile(const std::filesystem::path& path) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::ifstream stream(path, std::ios::binary);
  bool ok = stream.is_open() && EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) == 1;
  ManifestFile file;
  std::vector<char> buffer(size_t{1} << 20);
  while (ok && stream) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    file.bytes += stream.gcount();
    ok = EVP_DigestUpdate(digest.get(), buffer.data(), static_cast<size_t>(stream.gcount())) == 1;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum = {};
  unsigned int size = 0;
  ok = ok && stream.eof() && EVP_DigestFinal_ex(digest.get(), sum.data(), &size) == 1;
  if (!ok) {
    return model::MakeError(model::Reason::kStorageFailed, absl::StrCat("cannot read ", path.string()));
  }
  file.sha256 = absl::BytesToHexString(std::string(sum.begin(), sum.begin() + size));
  return file;
}

std::string ToText(const Manifest& manifest) {
  std::string text = absl::StrCat(
      kFirstLine, "\ncreated ", absl::FormatTime(absl::RFC3339_full, manifest.create_time, absl::UTCTimeZone()), "\n");
  for (const auto& [path, file] : manifest.files) absl::StrAppend(&text, file.sha256, " ", file.bytes, " ", path, "\n");
  absl::StrAppend(&text, "end ", manifest.files.size(), "\n");
  return text;
}

absl::StatusOr<Manifest> ParseManifest(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string line;
  if (!std::getline(lines, line) || line != kFirstLine) return Unsound("is none");
  Manifest manifest;
  std::string word, time;
  if (!(lines >> word >> time) || word != "created" ||
      !absl::ParseTime(absl::RFC3339_full, time, &manifest.create_time, nullptr)) {
    return Unsound("has no time");
  }
  for (std::string sha256; lines >> sha256;) {
    ManifestFile file{.bytes = 0, .sha256 = sha256};
    if (sha256 == "end") {
      size_t count = 0;
      if (!(lines >> count) || count != manifest.files.size())
        return Unsound("has another number of files than it says");
      return manifest;
    }
    std::string path;
    if (!(lines >> file.bytes) || lines.get() != ' ' || !std::getline(lines, path) || path.empty()) break;
    // Below the folder, whoever wrote the list.
    if (path.front() == '/' || path.find("..") != std::string::npos) return Unsound("names a file outside of it");
    manifest.files.emplace(path, file);
  }
  return Unsound("is cut off");
}

}  // namespace millrace::maintenance
