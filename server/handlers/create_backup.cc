#include <filesystem>

#include "server/core/convert.h"
#include "server/handlers/admin_handlers.h"
#include "server/handlers/validate.h"
#include "storage/maintenance/backup.h"
#include "storage/model/errors.h"

namespace millrace::handlers {

absl::StatusOr<v1::Backup> CreateBackup(const v1::CreateBackupRequest& request, const Call& call, const Deps& deps) {
  // An id holds no slash, so with no dot at its front it cannot lead out of the folder.
  if (absl::Status status = ValidateRequiredId("name", request.name()); !status.ok()) return status;
  if (request.name().front() == '.') return model::FieldError("name", "begins with a dot; expected a letter or digit");
  if (deps.server.backup_folder.empty()) {
    return model::MakeError(model::Reason::kBackupNotEnabled,
                            "this server has no folder for backups; start it with --backup-dir");
  }
  const absl::StatusOr<maintenance::BackupInfo> backup = maintenance::CreateBackup(
      [&](const std::filesystem::path& folder) { return deps.store.Checkpoint(folder); },
      std::filesystem::path(deps.server.backup_folder) / request.name(), deps.ids.Next(), call.request_time);
  if (!backup.ok()) return backup.status();
  v1::Backup response;
  response.set_name(request.name());
  response.set_path(backup->folder.string());
  *response.mutable_create_time() = core::ToProto(backup->create_time);
  response.set_bytes(backup->bytes);
  response.set_file_count(backup->files);
  response.set_job_count(backup->jobs);
  return response;
}

}  // namespace millrace::handlers
