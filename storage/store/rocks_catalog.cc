#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/model/built_in.h"
#include "storage/store/built_in_list.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_page_token.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using engine::Engine;
using format::Family;
using format::ServiceVersionName;
using model::SemanticVersion;
using model::ServiceReference;
using model::ServiceSummary;
using model::ServiceVersion;

constexpr std::string_view kList = "services";

absl::StatusOr<std::optional<ServiceVersion>> Load(const Engine& engine, std::string_view tenant,
                                                   const ServiceVersionName& name) {
  const auto row = engine.Get(At(Family::kServices), format::ServiceVersionKey(tenant, name.service, name.version));
  if (!row.ok()) return row.status();
  if (!row->has_value()) return std::nullopt;
  absl::StatusOr<ServiceVersion> version = format::DecodeServiceVersion(**row);
  if (!version.ok()) return version.status();
  return *std::move(version);
}

/// The version that `folder/name` means, seen one by one.
class LatestFinder {
 public:
  /// True when `version` is better than those before.
  bool IsBetter(const std::string& version) {
    absl::StatusOr<SemanticVersion> candidate = model::ParseSemanticVersion(version);
    if (!candidate.ok() || (best_.has_value() && !model::IsBetterLatest(*candidate, *best_))) return false;
    best_ = *std::move(candidate);
    return true;
  }

 private:
  std::optional<SemanticVersion> best_;
};

/// The latest version of a service, by looking at keys alone. SERVICE_NOT_FOUND.
absl::StatusOr<std::string> FindLatest(const Engine& engine, std::string_view tenant, std::string_view service) {
  std::string latest;
  LatestFinder finder;
  const auto cursor = Scan(engine, Family::kServices, format::ServiceVersions(tenant, service));
  for (; cursor->valid(); cursor->Next()) {
    std::optional<ServiceVersionName> name = format::ParseServiceVersion(cursor->key());
    if (!name.has_value()) return CorruptKey();
    if (finder.IsBetter(name->version)) latest = std::move(name->version);
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  if (latest.empty()) return ServiceNotFound(service);
  return latest;
}

absl::StatusOr<ServiceVersion> ResolveId(const Engine& engine, std::string_view tenant, const std::string& version_id) {
  const auto row = engine.Get(At(Family::kIndex), format::VersionIdKey(tenant, version_id));
  if (!row.ok()) return row.status();
  if (!row->has_value()) return VersionIdNotFound(version_id);
  absl::StatusOr<format::IndexedVersion> indexed = format::DecodeIndexedVersion(**row);
  if (!indexed.ok()) return indexed.status();
  absl::StatusOr<std::optional<ServiceVersion>> version = Load(engine, tenant, {indexed->service, indexed->version});
  if (!version.ok()) return version.status();
  // Both rows come and go together; a reader may look between the two.
  if (!version->has_value()) return VersionIdNotFound(version_id);
  return **std::move(version);
}

absl::StatusOr<ServiceVersion> Resolve(const Engine& engine, std::string_view tenant,
                                       const ServiceReference& reference) {
  if (const ServiceVersion* built_in = model::FindBuiltInVersion(reference.version_id)) return *built_in;
  if (!reference.version_id.empty()) return ResolveId(engine, tenant, reference.version_id);
  if (const ServiceVersion* built_in = model::FindBuiltIn(reference.service)) {
    if (reference.version.empty() || reference.version == built_in->version) return *built_in;
    return ServiceVersionNotFound(reference.service, reference.version, built_in->version);
  }
  const absl::StatusOr<std::string> latest = FindLatest(engine, tenant, reference.service);
  if (!latest.ok()) return latest.status();
  const std::string& wanted = reference.version.empty() ? *latest : reference.version;
  absl::StatusOr<std::optional<ServiceVersion>> version = Load(engine, tenant, {reference.service, wanted});
  if (!version.ok()) return version.status();
  if (!version->has_value()) return ServiceVersionNotFound(reference.service, wanted, *latest);
  return **std::move(version);
}

/// The service id that the versions of a service share; `otherwise` when it has none yet.
absl::StatusOr<std::string> FindServiceId(const Engine& engine, const ServiceVersion& version,
                                          const std::string& otherwise) {
  const auto cursor = Scan(engine, Family::kServices, format::ServiceVersions(version.tenant, version.service));
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  if (!cursor->valid()) return otherwise;
  absl::StatusOr<ServiceVersion> sibling = format::DecodeServiceVersion(cursor->value());
  if (!sibling.ok()) return sibling.status();
  return std::move(sibling->service_id);
}

}  // namespace

absl::StatusOr<ServiceVersion> RocksJobStore::CreateServiceVersion(ServiceVersion version) {
  if (absl::Status parsed = model::ParseSemanticVersion(version.version).status(); !parsed.ok()) return parsed;
  if (const ServiceVersion* built_in = model::FindBuiltIn(version.service)) return BuiltInTaken(*built_in);
  version.create_time = clock_->Now();
  const Passage passage{version.definition.size(), /*alone=*/true};
  return Run<ServiceVersion>(passage, [&version](Group& group) -> absl::StatusOr<ServiceVersion> {
    const Engine& engine = group.engine();
    absl::StatusOr<std::optional<ServiceVersion>> earlier =
        Load(engine, version.tenant, {version.service, version.version});
    if (!earlier.ok()) return earlier.status();
    if (earlier->has_value()) {
      if ((*earlier)->config_hash != version.config_hash) return ServiceVersionTaken(**earlier);
      return **std::move(earlier);
    }
    absl::StatusOr<std::string> service_id = FindServiceId(engine, version, version.service_id);
    if (!service_id.ok()) return service_id.status();
    version.service_id = *std::move(service_id);
    group.PutUnread(Family::kServices, format::ServiceVersionKey(version.tenant, version.service, version.version),
                    format::EncodeServiceVersion(version));
    group.Put(Family::kIndex, format::VersionIdKey(version.tenant, version.version_id),
              format::EncodeIndexedVersion({version.service, version.version}));
    return version;
  });
}

absl::StatusOr<ServiceVersion> RocksJobStore::GetServiceVersion(std::string_view tenant,
                                                                const ServiceReference& reference) const {
  return Resolve(*engine_, tenant, reference);
}

absl::StatusOr<Page<ServiceSummary>> RocksJobStore::ListServices(std::string_view tenant, int32_t page_size,
                                                                 std::string_view token) const {
  format::KeyRange range = format::ServicesFrom(tenant, "");
  std::string behind;
  if (!token.empty()) {
    absl::StatusOr<std::string> place = ReadPageToken(kList, token);
    if (!place.ok()) return place.status();
    behind = *std::move(place);
    range.begin = format::ServiceVersions(tenant, behind).end;
  }
  Page<ServiceSummary> page;
  LatestFinder finder;
  const auto cursor = Scan(*engine_, Family::kServices, range);
  for (; cursor->valid(); cursor->Next()) {
    const std::optional<ServiceVersionName> name = format::ParseServiceVersion(cursor->key());
    if (!name.has_value()) return CorruptKey();
    if (page.items.empty() || page.items.back().service != name->service) {
      if (page.items.size() == static_cast<size_t>(page_size)) {
        page.next_token = MakePageToken(kList, page.items.back().service);
        break;
      }
      page.items.push_back({name->service, "", "", 0, ""});
      finder = LatestFinder();
    }
    ServiceSummary& summary = page.items.back();
    summary.version_count += 1;
    if (!finder.IsBetter(name->version)) continue;
    absl::StatusOr<ServiceVersion> version = format::DecodeServiceVersion(cursor->value());
    if (!version.ok()) return version.status();
    summary.service_id = std::move(version->service_id);
    summary.latest_version = std::move(version->version);
    summary.description = std::move(version->description);
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  AddBuiltIn(
      behind, page_size, [](const std::string& service) { return MakePageToken(kList, service); }, page);
  return page;
}

absl::StatusOr<std::vector<ServiceVersion>> RocksJobStore::ListServiceVersions(std::string_view tenant,
                                                                               std::string_view service) const {
  if (const ServiceVersion* built_in = model::FindBuiltIn(service)) return std::vector{*built_in};
  std::vector<std::pair<SemanticVersion, ServiceVersion>> versions;
  const auto cursor = Scan(*engine_, Family::kServices, format::ServiceVersions(tenant, service));
  for (; cursor->valid(); cursor->Next()) {
    absl::StatusOr<ServiceVersion> version = format::DecodeServiceVersion(cursor->value());
    if (!version.ok()) return version.status();
    absl::StatusOr<SemanticVersion> number = model::ParseSemanticVersion(version->version);
    if (!number.ok()) return number.status();
    versions.emplace_back(*std::move(number), *std::move(version));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  if (versions.empty()) return ServiceNotFound(service);
  std::sort(versions.begin(), versions.end(), [](const auto& a, const auto& b) { return b.first < a.first; });
  std::vector<ServiceVersion> highest_first;
  for (auto& [number, version] : versions) highest_first.push_back(std::move(version));
  return highest_first;
}

absl::Status RocksJobStore::DeleteServiceVersion(std::string_view tenant, const ServiceReference& reference) {
  const Passage passage{0, /*alone=*/true};
  return Run<bool>(passage,
                   [tenant, &reference](Group& group) -> absl::StatusOr<bool> {
                     const absl::StatusOr<ServiceVersion> version = Resolve(group.engine(), tenant, reference);
                     if (!version.ok()) return version.status();
                     if (model::FindBuiltIn(version->service) != nullptr) return BuiltInNotDeleted(*version);
                     int64_t job_count = 0;
                     std::string needed_by;
                     for (const model::JobPtr& job : group.UnfinishedJobs()) {
                       if (job->tenant != tenant || job->version_id != version->version_id) continue;
                       if (job_count++ == 0 || job->id < needed_by) needed_by = job->id;
                     }
                     if (job_count > 0) return ServiceVersionInUse(*version, needed_by, job_count);
                     group.Delete(Family::kServices,
                                  format::ServiceVersionKey(tenant, version->service, version->version));
                     group.Delete(Family::kIndex, format::VersionIdKey(tenant, version->version_id));
                     return true;
                   })
      .status();
}

}  // namespace millrace::store
