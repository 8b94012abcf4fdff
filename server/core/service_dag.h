// The nodes of a service as a picture, with what a job has counted at each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/core/service_definition.h"
#include "storage/model/chunk.h"

namespace millrace::core {

/// The numbers are millrace.v1.DagFormat's.
enum class DagFormat : int32_t {
  /// Lines for a terminal: each vertex, and below it where its records go.
  kText = 1,
  /// The language of Graphviz.
  kDot = 2,
  /// A Mermaid flowchart, as Markdown pages show it.
  kMermaid = 3,
};

/// Draws the nodes in run order, from the record to the output. `plan` is as Plan returned it, `title` names the picture
/// where the format has names. An edge bears how many records went along it: into the first nodes those that reached
/// them, from a node on those for which it made a value. Nodes that only `counted` knows, because another version had
/// them, stand alone at the end.
std::string DrawDag(std::string_view title, const ServiceDefinition& plan, const model::NodeStatisticsMap& counted,
                    DagFormat format);

}  // namespace millrace::core
