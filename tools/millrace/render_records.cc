// Records and exceptions, in lists and one by one; render.cc has the rest of render.h.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tools/millrace/human.h"
#include "tools/millrace/render.h"
#include "tools/millrace/table.h"

namespace millrace::cli {
namespace {

// Of a config hash, in tables: enough to tell any two apart.
constexpr size_t kHashDigits = 12;

std::string WithoutPrefix(const std::string& name, const char* prefix) {
  return std::string(absl::StripPrefix(name, prefix));
}

}  // namespace

std::string RenderException(const v1::RecordException& exception, const Session& session) {
  const v1::Resolution& resolution = exception.resolution();
  const std::string rerun =
      resolution.sequence() > 0 ? absl::StrCat(resolution.sequence(), "-", resolution.index()) : "";
  return RenderFacts(
      {
          {"id", exception.id()},
          {"state", WithoutPrefix(v1::ExceptionState_Name(exception.state()), "EXCEPTION_STATE_")},
          {"chunk", exception.chunk_id()},
          {"node", exception.node()},
          {"code", exception.code()},
          {exception.held() ? "question" : "message", exception.message()},
          {"attempts", absl::StrCat(exception.attempts())},
          {"config hash", exception.config_hash()},
          {"group", exception.fingerprint()},
          {"created", exception.has_create_time() ? session.Time(exception.create_time()) : ""},
          {"replaces", exception.replaces_exception_id()},
          {"input", exception.input()},
          {"resolution", exception.has_resolution()
                             ? WithoutPrefix(v1::ResolutionKind_Name(resolution.kind()), "RESOLUTION_KIND_")
                             : ""},
          {"  by", resolution.resolved_by()},
          {"  at", resolution.has_time() ? session.Time(resolution.time()) : ""},
          {"  answer", resolution.answer()},
          {"  note", resolution.note()},
          {"  record", rerun},
      },
      session.out_style());
}

std::string RenderExceptionGroups(const google::protobuf::RepeatedPtrField<v1::ExceptionGroup>& groups,
                                  const Session& session) {
  Table table({{"COUNT", Align::kRight},
               {"OPEN", Align::kRight},
               {"CODE"},
               {"NODE"},
               {"MESSAGE"},
               {"FIRST"},
               {"LAST"},
               {"SAMPLE"},
               {"CODE HASH"},
               {"GROUP"}});
  for (const v1::ExceptionGroup& group : groups) {
    table.AddRow({HumanCount(group.count()), HumanCount(group.unresolved_count()), group.code(), group.node(),
                  group.normalised_message(), session.Time(group.first_time()), session.Time(group.last_time()),
                  group.sample_exception_id(), group.config_hash().substr(0, kHashDigits), group.fingerprint()});
  }
  return table.empty() ? "" : table.Render(session.out_style());
}

std::string RenderRecords(const std::vector<v1::Record>& records, const Session& session) {
  const auto any = [&](auto has) { return std::any_of(records.begin(), records.end(), has); };
  const bool has_times = any([](const v1::Record& record) { return record.has_process_time(); });
  const bool has_inputs = any([](const v1::Record& record) { return !record.input().empty(); });
  std::vector<TableColumn> columns = {{"RECORD"}, {"CHUNK"}, {"STATE"}};
  if (has_times) columns.push_back({"TIME", Align::kRight});
  columns.insert(columns.end(), {{"NODE"}, {"CODE"}, {"MESSAGE"}, {"EXCEPTION"}});
  if (has_inputs) columns.push_back({"INPUT"});
  columns.push_back({"OUTPUTS"});
  Table table(std::move(columns));
  for (const v1::Record& record : records) {
    std::vector<std::string> row = {absl::StrCat(record.sequence(), "-", record.index()), record.chunk_id(),
                                    WithoutPrefix(v1::RecordState_Name(record.state()), "RECORD_STATE_")};
    if (has_times) row.push_back(HumanDuration(FromProto(record.process_time())));
    row.insert(row.end(), {record.node(), record.code(), record.message(), record.exception_id()});
    if (has_inputs) row.push_back(record.input());
    row.push_back(record.outputs());
    table.AddRow(std::move(row));
  }
  return table.empty() ? "" : table.Render(session.out_style());
}

}  // namespace millrace::cli
