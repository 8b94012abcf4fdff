// The services of the model store. Not thread-safe: ModelJobStore guards it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/model/service_version.h"
#include "storage/store/job_store.h"

namespace millrace::store {

/// The catalog verbs of JobStore, with their errors.
class ModelCatalog {
 public:
  absl::StatusOr<model::ServiceVersion> Create(model::ServiceVersion version, absl::Time now);
  absl::StatusOr<model::ServiceVersion> Get(std::string_view tenant, const model::ServiceReference& reference) const;
  absl::StatusOr<Page<model::ServiceSummary>> List(std::string_view tenant, int32_t page_size,
                                                   std::string_view token) const;
  absl::StatusOr<std::vector<model::ServiceVersion>> ListVersions(std::string_view tenant,
                                                                  std::string_view service) const;

  /// Takes a version out that Get returned; the service goes with its last one.
  void Erase(const model::ServiceVersion& version);

 private:
  using Versions = std::map<model::SemanticVersion, model::ServiceVersion>;

  struct ServiceKey {
    std::string tenant;
    std::string service;
    friend auto operator<=>(const ServiceKey&, const ServiceKey&) = default;
  };

  /// The versions of a service that exists, or SERVICE_NOT_FOUND.
  absl::StatusOr<const Versions*> Find(std::string_view tenant, std::string_view service) const;

  static const model::ServiceVersion& Latest(const Versions& versions);

  /// No entry without a version.
  std::map<ServiceKey, Versions> services_;
};

}  // namespace millrace::store
