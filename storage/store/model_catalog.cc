#include "storage/store/model_catalog.h"

#include <utility>

#include "storage/model/built_in.h"
#include "storage/store/built_in_list.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

using model::SemanticVersion;
using model::ServiceReference;
using model::ServiceSummary;
using model::ServiceVersion;

absl::StatusOr<const ModelCatalog::Versions*> ModelCatalog::Find(std::string_view tenant,
                                                                 std::string_view service) const {
  const auto found = services_.find({std::string(tenant), std::string(service)});
  if (found == services_.end()) return ServiceNotFound(service);
  return &found->second;
}

const ServiceVersion& ModelCatalog::Latest(const Versions& versions) {
  auto best = versions.begin();
  for (auto candidate = versions.begin(); candidate != versions.end(); ++candidate) {
    if (model::IsBetterLatest(candidate->first, best->first)) best = candidate;
  }
  return best->second;
}

absl::StatusOr<ServiceVersion> ModelCatalog::Create(ServiceVersion version, absl::Time now) {
  absl::StatusOr<SemanticVersion> number = model::ParseSemanticVersion(version.version);
  if (!number.ok()) return number.status();
  if (const ServiceVersion* built_in = model::FindBuiltIn(version.service)) return BuiltInTaken(*built_in);

  Versions& versions = services_[{version.tenant, version.service}];
  if (const auto found = versions.find(*number); found != versions.end()) {
    if (found->second.config_hash != version.config_hash) return ServiceVersionTaken(found->second);
    return found->second;
  }
  if (!versions.empty()) version.service_id = versions.begin()->second.service_id;
  version.create_time = now;
  return versions.emplace(*std::move(number), std::move(version)).first->second;
}

absl::StatusOr<ServiceVersion> ModelCatalog::Get(std::string_view tenant, const ServiceReference& reference) const {
  if (const ServiceVersion* built_in = model::FindBuiltInVersion(reference.version_id)) return *built_in;
  if (!reference.version_id.empty()) {
    for (const auto& [key, versions] : services_) {
      if (key.tenant != tenant) continue;
      for (const auto& [number, version] : versions) {
        if (version.version_id == reference.version_id) return version;
      }
    }
    return VersionIdNotFound(reference.version_id);
  }
  if (const ServiceVersion* built_in = model::FindBuiltIn(reference.service)) {
    if (reference.version.empty() || reference.version == built_in->version) return *built_in;
    return ServiceVersionNotFound(reference.service, reference.version, built_in->version);
  }
  absl::StatusOr<const Versions*> versions = Find(tenant, reference.service);
  if (!versions.ok()) return versions.status();
  if (reference.version.empty()) return Latest(**versions);
  for (const auto& [number, version] : **versions) {
    if (version.version == reference.version) return version;
  }
  return ServiceVersionNotFound(reference.service, reference.version, Latest(**versions).version);
}

absl::StatusOr<Page<ServiceSummary>> ModelCatalog::List(std::string_view tenant, int32_t page_size,
                                                        std::string_view token) const {
  if (!token.empty() && !model::ValidateServiceName(token).ok()) return PageTokenInvalid();
  Page<ServiceSummary> page;
  for (auto at = services_.upper_bound({std::string(tenant), std::string(token)});
       at != services_.end() && at->first.tenant == tenant; ++at) {
    if (page.items.size() == static_cast<size_t>(page_size)) {
      page.next_token = page.items.back().service;
      break;
    }
    const ServiceVersion& latest = Latest(at->second);
    page.items.push_back({latest.service, latest.service_id, latest.version, static_cast<int32_t>(at->second.size()),
                          latest.description});
  }
  AddBuiltIn(
      token, page_size, [](const std::string& service) { return service; }, page);
  return page;
}

absl::StatusOr<std::vector<ServiceVersion>> ModelCatalog::ListVersions(std::string_view tenant,
                                                                       std::string_view service) const {
  if (const ServiceVersion* built_in = model::FindBuiltIn(service)) return std::vector{*built_in};
  absl::StatusOr<const Versions*> versions = Find(tenant, service);
  if (!versions.ok()) return versions.status();
  std::vector<ServiceVersion> highest_first;
  for (auto at = (*versions)->rbegin(); at != (*versions)->rend(); ++at) highest_first.push_back(at->second);
  return highest_first;
}

void ModelCatalog::Erase(const ServiceVersion& version) {
  const auto found = services_.find({version.tenant, version.service});
  std::erase_if(found->second, [&](const auto& entry) { return entry.second.version_id == version.version_id; });
  if (found->second.empty()) services_.erase(found);
}

}  // namespace millrace::store
