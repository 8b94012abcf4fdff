// What every handler is given: who calls, and the parts of the server it may use.
//
// A handler is one function, `(request, call, deps) -> StatusOr<response>`, in a file of its own. It checks the
// request, asks the store, and converts; it may block on storage, and knows nothing of gRPC.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "server/core/job_rates.h"
#include "server/core/lease_hub.h"
#include "server/core/pipeline_activity.h"
#include "server/core/service_runner.h"
#include "server/core/source_folders.h"
#include "server/core/webhook_targets.h"
#include "server/queries/connections.h"
#include "storage/model/clock.h"
#include "storage/model/ids.h"
#include "storage/model/worker_labels.h"
#include "storage/store/job_store.h"

namespace millrace::handlers {

/// Who calls. Without authentication it is `default/anonymous`.
struct Principal {
  std::string tenant = "default";
  std::string user = "anonymous";
};

/// One call.
struct Call {
  Principal principal;
  absl::Time request_time;

  model::JobKey job(const std::string& id) const { return {principal.tenant, id}; }
};

/// The server itself, as DescribePipelines shows it.
struct ServerInfo {
  std::string instance_id;
  absl::Time start_time;
  /// Threads of the worker pool.
  int32_t workers = 1;
  /// Of each of them.
  model::WorkerLabels worker_labels = {};
  /// Where backups are made; empty: nowhere.
  std::string backup_folder;
  /// Of jobs that are created without one; zero: for ever.
  absl::Duration retention = absl::ZeroDuration();
};

/// The parts of the server that handlers use. Constant after construction; all parts are thread-safe.
struct Deps {
  store::JobStore& store;
  core::LeaseHub& leases;
  const core::ServiceCompiler& compiler;
  const model::Clock& clock;
  model::IdGenerator& ids;
  ServerInfo server;
  /// Hears of pulls and pushes. Null: nobody wants to know.
  core::PipelineActivity* activity = nullptr;
  /// Where jobs may read files. Null: nowhere.
  const core::SourceFolders* source_folders = nullptr;
  /// What jobs may query. Null: nothing.
  const queries::Connections* source_connections = nullptr;
  /// Null: how fast jobs went lately is not known.
  const core::JobRates* rates = nullptr;
  /// Whom webhooks may call. Null: nobody.
  const core::WebhookTargets* webhooks = nullptr;
};

}  // namespace millrace::handlers
