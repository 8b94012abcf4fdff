#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/core/convert.h"
#include "server/core/service_definition.h"
#include "server/handlers/job_fields.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/option_reader.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

/// Reads the fields that a request names.
class UpdateReader {
 public:
  UpdateReader(const v1::UpdateJobRequest& request, const model::Job& job, const Call& call, const Deps& deps)
      : request_(request), job_(job), call_(call), deps_(deps) {}

  absl::StatusOr<model::JobUpdate> Read() {
    if (request_.update_mask().paths().empty()) {
      return model::FieldError("update_mask", absl::StrCat("is required: at least one of ", Names()));
    }
    for (const std::string& path : request_.update_mask().paths()) {
      const auto field = fields_.find(path);
      if (field == fields_.end()) {
        return model::FieldError("update_mask",
                                 absl::StrCat("'", path, "' cannot be changed, expected one of ", Names()));
      }
      (this->*field->second)();
    }
    // Last, so that it finds the most workers that the same call may set.
    if (initial_workers_) ReadInitialWorkers();
    if (!reader_.status().ok()) return reader_.status();
    return std::move(update_);
  }

 private:
  using Field = void (UpdateReader::*)();

  std::string Names() const {
    return absl::StrJoin(fields_, ", ", [](std::string* out, const auto& field) { out->append(field.first); });
  }

  void Number(std::string_view field, int64_t value, int64_t low, int64_t high, int64_t fallback,
              std::optional<int32_t>& target) {
    reader_.Number(field, value, low, high, fallback, target.emplace());
  }
  void Text(std::string_view field, const std::string& value, size_t bytes_max, std::optional<std::string>& target) {
    reader_.Text(field, value, bytes_max, target.emplace());
  }

  void MaxWorkers() {
    Number("max_workers", request_.max_workers(), 1, model::kJobWorkersMax, deps_.server.workers, update_.max_workers);
  }
  void InitialWorkers() { initial_workers_ = true; }
  void ReadInitialWorkers() {
    const int32_t most = update_.max_workers.value_or(job_.options.max_workers);
    Number("initial_workers", request_.initial_workers(), 1, most, most, update_.initial_workers);
  }
  void Priority() {
    Number("priority", request_.priority(), -model::kPriorityMax, model::kPriorityMax, 0, update_.priority);
  }
  void Weight() { Number("weight", request_.weight(), 1, model::kWeightMax, model::kWeightDefault, update_.weight); }
  void Throttle() {
    RecordsPerSecond();
    DelayBetweenChunks();
  }
  void RecordsPerSecond() { update_.records_per_second = ThrottleOf().records_per_second; }
  void DelayBetweenChunks() { update_.delay_between_chunks = ThrottleOf().delay_between_chunks; }
  model::Throttle ThrottleOf() {
    model::Throttle throttle;
    ReadThrottle(reader_, request_.throttle(), throttle);
    return throttle;
  }
  void MaxFailedRatio() {
    update_.max_failed_ratio = request_.has_max_failed_ratio() ? request_.max_failed_ratio() : 1.0;
    CheckFailedRatio(reader_, *update_.max_failed_ratio);
  }
  void Name() { Text("name", request_.name(), model::kMetadataBytesMax, update_.name); }
  void Description() { Text("description", request_.description(), model::kDescriptionBytesMax, update_.description); }
  void Tags() {
    absl::StatusOr<std::vector<std::string>> tags = ReadTags("tags", request_.tags());
    if (!tags.ok()) return reader_.Fail(tags.status());
    update_.tags = *std::move(tags);
  }
  void ServiceVersion() {
    if (absl::Status read = FindVersion(); !read.ok()) reader_.Fail(read);
  }

  absl::Status FindVersion() {
    constexpr std::string_view kField = "service_version";
    const std::string& version = request_.service_version();
    if (version.empty()) return model::FieldError(kField, "is required: a version of the service, such as 1.2.0");
    if (const auto number = model::ParseSemanticVersion(version); !number.ok()) {
      return model::FieldError(kField, std::string(number.status().message()));
    }
    const absl::StatusOr<model::ServiceVersion> found =
        deps_.store.GetServiceVersion(call_.principal.tenant, {job_.service, version, ""});
    if (!found.ok()) return found.status();
    google::protobuf::RepeatedPtrField<std::string> outputs(job_.selected_outputs.begin(), job_.selected_outputs.end());
    if (absl::Status lacking = CheckSelectedOutputs("selected_outputs", outputs, *found); !lacking.ok()) {
      return model::FieldError(
          kField, absl::StrCat("version ", version, " cannot take the job over: ", std::string(lacking.message())));
    }
    update_.version = model::JobUpdate::Version{found->version, found->version_id, found->config_hash};
    return absl::OkStatus();
  }

  const std::map<std::string, Field> fields_ = {
      {"max_workers", &UpdateReader::MaxWorkers},
      {"initial_workers", &UpdateReader::InitialWorkers},
      {"priority", &UpdateReader::Priority},
      {"weight", &UpdateReader::Weight},
      {"throttle", &UpdateReader::Throttle},
      {"throttle.records_per_second", &UpdateReader::RecordsPerSecond},
      {"throttle.delay_between_chunks", &UpdateReader::DelayBetweenChunks},
      {"max_failed_ratio", &UpdateReader::MaxFailedRatio},
      {"service_version", &UpdateReader::ServiceVersion},
      {"name", &UpdateReader::Name},
      {"description", &UpdateReader::Description},
      {"tags", &UpdateReader::Tags},
  };

  const v1::UpdateJobRequest& request_;
  const model::Job& job_;
  const Call& call_;
  const Deps& deps_;
  OptionReader reader_{""};
  model::JobUpdate update_;
  bool initial_workers_ = false;
};

}  // namespace

absl::StatusOr<v1::Job> UpdateJob(const v1::UpdateJobRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const model::JobKey key = call.job(request.job_id());
  const absl::StatusOr<model::JobPtr> before = deps.store.GetJob(key);
  if (!before.ok()) return before.status();
  const absl::StatusOr<model::JobUpdate> update = UpdateReader(request, **before, call, deps).Read();
  if (!update.ok()) return update.status();
  const absl::StatusOr<model::JobPtr> job = deps.store.UpdateJob(key, *update, call.principal.user);
  if (!job.ok()) return job.status();
  return core::ToProto(**job, deps.clock.Now());
}

}  // namespace millrace::handlers
