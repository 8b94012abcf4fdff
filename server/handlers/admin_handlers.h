// The verbs of AdminService; its proto is the contract.
#pragma once

#include "absl/status/statusor.h"
#include "millrace/v1/admin_service.pb.h"
#include "server/handlers/call.h"

namespace millrace::handlers {

absl::StatusOr<v1::Backup> CreateBackup(const v1::CreateBackupRequest& request, const Call& call, const Deps& deps);

}  // namespace millrace::handlers
