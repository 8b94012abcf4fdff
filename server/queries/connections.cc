#include "server/queries/connections.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/core/yaml_json.h"
#include "server/queries/session.h"
#include "storage/model/limits.h"
#include "yaml-cpp/yaml.h"

namespace millrace::queries {
namespace {

constexpr char kKnownFields[] = "known are sqlite, postgresql and password_env";

bool IsName(const std::string& text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !text.empty() && text.size() <= model::kSourceConnectionNameBytesMax &&
         std::all_of(text.begin(), text.end(), fits);
}

/// Reads the connections of one file, and knows where in it an error is.
class ConnectionsReader {
 public:
  explicit ConnectionsReader(const std::filesystem::path& file) : file_(file.string()) {}

  absl::Status WrongAt(const YAML::Node& node, const std::string& field, const std::string& what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(file_, ":", node.Mark().line + 1, ": ", field, field.empty() ? "" : ": ", what));
  }

  absl::StatusOr<Connection> Read(const YAML::Node& name, const YAML::Node& node) const {
    if (!name.IsScalar() || !IsName(name.Scalar())) {
      return WrongAt(name, "",
                     absl::StrCat("the name of a connection is 1 to ", model::kSourceConnectionNameBytesMax,
                                  " letters, digits, dots, hyphens and underscores"));
    }
    Connection connection{.name = name.Scalar()};
    if (!node.IsMap()) return WrongAt(name, connection.name, absl::StrCat("expected a mapping; ", kKnownFields));
    std::set<std::string> given;
    for (const auto& entry : node) {
      if (absl::Status status = ReadField(entry.first, entry.second, given, connection); !status.ok()) return status;
    }
    if (given.count("sqlite") + given.count("postgresql") != 1) {
      return WrongAt(name, connection.name, "expected either `sqlite: FILE` or `postgresql: CONNECTION STRING`");
    }
    if (given.count("sqlite") + given.count("password_env") == 2) {
      return WrongAt(name, connection.name, "password_env belongs to postgresql; a SQLite file has no password");
    }
    return connection;
  }

 private:
  absl::Status ReadField(const YAML::Node& key, const YAML::Node& value, std::set<std::string>& given,
                         Connection& connection) const {
    const std::string field = absl::StrCat(connection.name, ".", key.IsScalar() ? key.Scalar() : "?");
    if (!key.IsScalar() || !given.insert(key.Scalar()).second) return WrongAt(key, field, "is given twice");
    if (!value.IsScalar() || value.Scalar().empty()) return WrongAt(key, field, "expected a text");
    if (key.Scalar() == "sqlite") {
      if (value.Scalar().front() != '/') return WrongAt(value, field, "expected an absolute path");
      connection.target = value.Scalar();
      return absl::OkStatus();
    }
    if (key.Scalar() == "postgresql") {
      connection.database = Database::kPostgresql;
      connection.target = value.Scalar();
      const absl::Status checked = CheckPostgresTarget(connection.target);
      return checked.ok() ? checked : WrongAt(value, field, std::string(checked.message()));
    }
    if (key.Scalar() == "password_env") {
      const char* secret = std::getenv(value.Scalar().c_str());
      if (secret == nullptr || *secret == '\0') {
        return WrongAt(value, field, absl::StrCat("the environment has no variable ", value.Scalar()));
      }
      connection.password = secret;
      return absl::OkStatus();
    }
    return WrongAt(key, field, absl::StrCat("is not known; ", kKnownFields));
  }

  const std::string file_;
};

}  // namespace

absl::StatusOr<Connections> Connections::Read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return absl::NotFoundError(absl::StrCat("cannot read the source connections in ", file.string()));
  const ConnectionsReader reader(file);
  Connections read;
  try {
    const absl::StatusOr<YAML::Node> document = core::LoadYamlDocument(text);
    if (!document.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(file.string(), ": ", std::string(document.status().message())));
    }
    if (!document->IsMap()) return reader.WrongAt(*document, "", "expected a mapping of names to connections");
    for (const auto& entry : *document) {
      absl::StatusOr<Connection> connection = reader.Read(entry.first, entry.second);
      if (!connection.ok()) return connection.status();
      const std::string name = connection->name;
      if (!read.connections_.emplace(name, *std::move(connection)).second) {
        return reader.WrongAt(entry.first, name, "is given twice");
      }
    }
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(file.string(), ":", error.mark.line + 1, ": ", error.msg));
  }
  return read;
}

const Connection* Connections::Find(std::string_view name) const {
  const auto found = connections_.find(name);
  return found == connections_.end() ? nullptr : &found->second;
}

std::string Connections::Names() const {
  return absl::StrJoin(connections_, ", ", [](std::string* out, const auto& entry) { out->append(entry.first); });
}

std::shared_ptr<void> Connections::TakePlace() const {
  if (!places_->try_acquire()) return nullptr;
  return {places_.get(), [places = places_](void*) { places->release(); }};
}

}  // namespace millrace::queries
