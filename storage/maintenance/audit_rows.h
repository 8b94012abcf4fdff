// What the parts of the audit of one job share: walks over its rows, and findings about it as a whole.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "storage/engine/engine.h"
#include "storage/format/keys.h"
#include "storage/maintenance/audit.h"
#include "storage/model/job.h"
#include "storage/store/rocks_rows.h"

namespace millrace::maintenance {

class JobAuditRows {
 protected:
  /// All must outlive this.
  JobAuditRows(const engine::Engine& engine, const model::Job& job, AuditReport& report)
      : engine_(engine), job_(job), key_(job.key()), report_(report) {}
  ~JobAuditRows() = default;

  void Find(std::string what) { report_.Add(absl::StrCat("job ", key_.tenant, "/", key_.job_id), std::move(what)); }

  /// Calls `see` with the key and the value of each row of the range, and counts it. An error only where a disk fails.
  template <typename See>
  absl::Status Each(format::Family family, const format::KeyRange& range, See see) {
    const auto cursor = store::Scan(engine_, family, range);
    for (; cursor->valid(); cursor->Next()) {
      report_.rows += 1;
      see(cursor->key(), cursor->value());
    }
    return cursor->status();
  }

  const engine::Engine& engine_;
  const model::Job& job_;
  const model::JobKey key_;
  AuditReport& report_;
};

}  // namespace millrace::maintenance
