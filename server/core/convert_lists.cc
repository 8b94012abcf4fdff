// Exceptions and the catalog; convert.cc has jobs and results.
#include "server/core/convert.h"

#include <algorithm>

#include "storage/model/exception.h"

namespace millrace::core {

v1::RecordRun ToProto(const model::RecordRun& run) {
  v1::RecordRun proto;
  proto.set_sequence(run.sequence);
  proto.set_first_index(run.first);
  proto.set_count(run.count);
  return proto;
}

v1::RecordException ToProto(const model::RecordException& exception, std::string_view job_id) {
  v1::RecordException proto;
  proto.set_id(model::ExceptionId(exception.sequence, exception.index));
  proto.set_job_id(std::string(job_id));
  proto.set_chunk_id(exception.chunk_id);
  proto.set_sequence(exception.sequence);
  proto.set_index(exception.index);
  proto.set_input(exception.input);
  proto.set_node(exception.node);
  proto.set_code(exception.code);
  proto.set_message(exception.message);
  proto.set_fingerprint(exception.fingerprint);
  proto.set_config_hash(exception.config_hash);
  *proto.mutable_create_time() = ToProto(exception.create_time);
  proto.set_state(static_cast<v1::ExceptionState>(exception.resolution.state));
  proto.set_attempts(exception.retries + 1);
  proto.set_held(exception.held);
  if (exception.replaces.sequence > 0) {
    proto.set_replaces_exception_id(model::ExceptionId(exception.replaces.sequence, exception.replaces.index));
  }
  const model::Resolution& resolution = exception.resolution;
  if (resolution.kind == model::ResolutionKind::kNone) return proto;
  proto.mutable_resolution()->set_kind(static_cast<v1::ResolutionKind>(resolution.kind));
  proto.mutable_resolution()->set_resolved_by(resolution.resolved_by);
  *proto.mutable_resolution()->mutable_time() = ToProto(resolution.time);
  proto.mutable_resolution()->set_note(resolution.note);
  proto.mutable_resolution()->set_sequence(resolution.rerun.sequence);
  proto.mutable_resolution()->set_index(resolution.rerun.index);
  proto.mutable_resolution()->set_answer(resolution.answer);
  return proto;
}

v1::ExceptionGroup ToProto(const model::ExceptionGroup& group) {
  v1::ExceptionGroup proto;
  proto.set_fingerprint(group.fingerprint);
  proto.set_node(group.node);
  proto.set_code(group.code);
  proto.set_normalised_message(group.normalised_message);
  proto.set_config_hash(group.config_hash);
  proto.set_count(group.count);
  *proto.mutable_first_time() = ToProto(group.first_time);
  *proto.mutable_last_time() = ToProto(group.last_time);
  proto.set_sample_exception_id(group.sample_exception_id);
  proto.set_sample_message(group.sample_message);
  proto.set_unresolved_count(group.count - group.settled_count);
  return proto;
}

v1::ServiceVersion ToProto(const model::ServiceVersion& version) {
  v1::ServiceVersion proto;
  proto.set_version_id(version.version_id);
  proto.set_service_id(version.service_id);
  proto.set_service(version.service);
  proto.set_version(version.version);
  proto.set_service_uri(model::ServiceUri(version.service, version.version));
  proto.set_config_hash(version.config_hash);
  proto.set_description(version.description);
  proto.set_created_by(version.created_by);
  *proto.mutable_create_time() = ToProto(version.create_time);
  return proto;
}

void AddDefinition(const model::ServiceVersion& version, const ServiceDefinition& plan, v1::ServiceVersion& proto) {
  proto.set_definition(version.definition);
  for (const ServiceInput& input : plan.inputs) {
    v1::ServiceInput& added = *proto.add_inputs();
    added.set_name(input.name);
    added.set_from(input.from);
    added.set_type(std::string(InputTypeName(input.type)));
    added.set_required(input.required);
    added.set_default_json(input.default_json);
  }
  for (const ServiceNode& node : plan.nodes) {
    v1::ServiceNode& added = *proto.add_nodes();
    added.set_name(node.name);
    added.set_lua(node.lua);
    added.set_when(node.when);
    for (const std::string& name : node.depends_on) added.add_depends_on(name);
  }
  for (const std::string& output : plan.outputs) proto.add_outputs(output);
}

v1::ServiceSummary ToProto(const model::ServiceSummary& service) {
  v1::ServiceSummary proto;
  proto.set_service(service.service);
  proto.set_service_id(service.service_id);
  proto.set_latest_version(service.latest_version);
  proto.set_version_count(service.version_count);
  proto.set_description(service.description);
  return proto;
}

v1::NodeStatistics ToProto(std::string_view node, const model::NodeStatistics& statistics) {
  v1::NodeStatistics proto;
  proto.set_node(std::string(node));
  proto.set_record_count(statistics.record_count);
  proto.set_success_count(statistics.success_count);
  proto.set_failure_count(statistics.failure_count);
  proto.set_hold_count(statistics.hold_count);
  proto.set_skipped_count(statistics.skipped_count);
  *proto.mutable_run_time() = ToProto(absl::Nanoseconds(statistics.run_nanos));
  // A quantile is the upper bound of its bucket, and so may lie above the longest time there was.
  const auto quantile = [&statistics](double share) {
    return ToProto(absl::Nanoseconds(std::min(statistics.run_times.Quantile(share), statistics.max_nanos)));
  };
  *proto.mutable_p50() = quantile(0.5);
  *proto.mutable_p95() = quantile(0.95);
  *proto.mutable_max() = ToProto(absl::Nanoseconds(statistics.max_nanos));
  return proto;
}

void AddLabels(const model::LabelCounts& labels, google::protobuf::RepeatedPtrField<v1::LabelCount>& proto) {
  for (const auto& [label, count] : labels) {
    v1::LabelCount& added = *proto.Add();
    added.set_label(label);
    added.set_count(count);
  }
}

}  // namespace millrace::core
