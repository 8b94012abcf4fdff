#include "server/core/webhook_targets.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "server/core/yaml_json.h"
#include "storage/model/ids.h"
#include "yaml-cpp/yaml.h"

namespace millrace::core {
namespace {

constexpr char kKnownFields[] = "known are allow, secrets and default";
constexpr char kKnownDefaultFields[] = "known are url, events and secret";
/// How secrets are written that tools for webhooks make: https://www.standardwebhooks.com
constexpr char kBase64Prefix[] = "whsec_";

}  // namespace

/// Reads one file, and knows where in it an error is.
class WebhookTargetsReader {
 public:
  explicit WebhookTargetsReader(const std::filesystem::path& file) : file_(file.string()) {}

  absl::StatusOr<WebhookTargets> Read(const YAML::Node& document) {
    if (!document.IsMap()) return WrongAt(document, "", absl::StrCat("expected a mapping; ", kKnownFields));
    if (absl::Status unique = CheckFields(document, "", {"allow", "secrets", "default"}, kKnownFields); !unique.ok()) {
      return unique;
    }
    if (absl::Status read = ReadAllowed(document, document["allow"]); !read.ok()) return read;
    if (absl::Status read = ReadSecrets(document["secrets"]); !read.ok()) return read;
    if (absl::Status read = ReadDefault(document["default"]); !read.ok()) return read;
    return std::move(targets_);
  }

 private:
  absl::Status WrongAt(const YAML::Node& node, const std::string& field, std::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(file_, ":", node.Mark().line + 1, ": ", field, field.empty() ? "" : ": ", std::string(what)));
  }

  absl::Status CheckFields(const YAML::Node& node, const std::string& within, const std::set<std::string>& known,
                           const char* hint) const {
    std::set<std::string> given;
    for (const auto& entry : node) {
      const std::string field = absl::StrCat(within, entry.first.IsScalar() ? entry.first.Scalar() : "?");
      if (!entry.first.IsScalar() || !known.contains(entry.first.Scalar())) {
        return WrongAt(entry.first, field, absl::StrCat("is not known; ", hint));
      }
      if (!given.insert(entry.first.Scalar()).second) return WrongAt(entry.first, field, "is given twice");
    }
    return absl::OkStatus();
  }

  absl::Status ReadAllowed(const YAML::Node& document, const YAML::Node& node) {
    if (!node || !node.IsSequence() || node.size() == 0) {
      return WrongAt(node ? node : document, "allow", "expected a list of URLs, at least one");
    }
    for (const auto& entry : node) {
      absl::StatusOr<HttpUrl> url = ReadHttpUrl(entry.IsScalar() ? entry.Scalar() : "");
      if (!url.ok()) return WrongAt(entry, "allow", std::string(url.status().message()));
      targets_.allowed_.push_back(*std::move(url));
    }
    return absl::OkStatus();
  }

  absl::Status ReadSecrets(const YAML::Node& node) {
    if (!node) return absl::OkStatus();
    if (!node.IsMap()) return WrongAt(node, "secrets", "expected a mapping of names to variables of the environment");
    for (const auto& entry : node) {
      const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
      const std::string field = absl::StrCat("secrets.", name);
      if (!model::ValidateId(field, name).ok()) {
        return WrongAt(entry.first, "secrets", "a name is 1 to 128 of the characters A-Z a-z 0-9 . _ : -");
      }
      const char* secret = entry.second.IsScalar() ? std::getenv(entry.second.Scalar().c_str()) : nullptr;
      if (secret == nullptr || *secret == '\0') {
        return WrongAt(entry.second, field,
                       absl::StrCat("the environment has no variable ",
                                    entry.second.IsScalar() ? entry.second.Scalar() : "of this name"));
      }
      absl::string_view rest = secret;
      std::string bytes = secret;
      if (absl::ConsumePrefix(&rest, kBase64Prefix) && (!absl::Base64Unescape(rest, &bytes) || bytes.empty())) {
        return WrongAt(entry.second, field, absl::StrCat("what follows ", kBase64Prefix, " is not base64"));
      }
      if (!targets_.secrets_.emplace(name, std::move(bytes)).second)
        return WrongAt(entry.first, field, "is given twice");
    }
    return absl::OkStatus();
  }

  absl::Status ReadDefault(const YAML::Node& node) {
    if (!node) return absl::OkStatus();
    if (!node.IsMap()) return WrongAt(node, "default", absl::StrCat("expected a mapping; ", kKnownDefaultFields));
    absl::Status known = CheckFields(node, "default.", {"url", "events", "secret"}, kKnownDefaultFields);
    if (!known.ok()) return known;
    model::Webhook& webhook = targets_.fallback_;
    const YAML::Node url = node["url"];
    webhook.url = url && url.IsScalar() ? url.Scalar() : "";
    const absl::Status allowed = targets_.Check(webhook.url);
    if (!allowed.ok()) return WrongAt(url ? url : node, "default.url", std::string(allowed.message()));
    if (const YAML::Node secret = node["secret"]) {
      webhook.secret = secret.IsScalar() ? secret.Scalar() : "";
      if (targets_.FindSecret(webhook.secret) == nullptr)
        return WrongAt(secret, "default.secret", "is none of secrets");
    }
    const YAML::Node events = node["events"];
    if (!events) webhook.tells_end = true;
    if (events && !events.IsSequence()) return WrongAt(events, "default.events", "expected a list");
    for (const auto& event : events) {
      if (!event.IsScalar() || !AddEvent(event.Scalar(), webhook)) {
        return WrongAt(event, "default.events", "known are ended, paused and first_exception");
      }
    }
    return absl::OkStatus();
  }

  const std::string file_;
  WebhookTargets targets_;
};

absl::StatusOr<WebhookTargets> WebhookTargets::Read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return absl::NotFoundError(absl::StrCat("cannot read the webhooks in ", file.string()));
  try {
    const absl::StatusOr<YAML::Node> document = LoadYamlDocument(text);
    if (!document.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(file.string(), ": ", std::string(document.status().message())));
    }
    return WebhookTargetsReader(file).Read(*document);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(file.string(), ":", error.mark.line + 1, ": ", error.msg));
  }
}

absl::Status WebhookTargets::Check(std::string_view url) const {
  const absl::StatusOr<HttpUrl> read = ReadHttpUrl(url);
  if (!read.ok()) return read.status();
  const bool is_allowed =
      std::any_of(allowed_.begin(), allowed_.end(), [&](const HttpUrl& prefix) { return IsBelow(*read, prefix); });
  if (is_allowed) return absl::OkStatus();
  // Path and query may be a secret: many receivers know the caller by them.
  return absl::InvalidArgumentError(
      absl::StrCat("webhooks may not call this URL of ", read->origin,
                   ": it lies below no URL that `allow` in the file of millraced --webhooks has"));
}

const std::string* WebhookTargets::FindSecret(std::string_view name) const {
  const auto found = secrets_.find(name);
  return found == secrets_.end() ? nullptr : &found->second;
}

std::string WebhookTargets::SecretNames() const {
  return absl::StrJoin(secrets_, ", ", [](std::string* out, const auto& entry) { out->append(entry.first); });
}

bool AddEvent(std::string_view name, model::Webhook& webhook) {
  if (name == "ended") {
    webhook.tells_end = true;
  } else if (name == "paused") {
    webhook.tells_pause = true;
  } else if (name == "first_exception") {
    webhook.tells_first_exception = true;
  } else {
    return false;
  }
  return true;
}

}  // namespace millrace::core
