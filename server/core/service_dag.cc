#include "server/core/service_dag.h"

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace millrace::core {
namespace {

/// Vertices by their place: 0 is the record, then the nodes, the last is the output.
struct Edge {
  size_t from = 0;
  size_t to = 0;
  int64_t records = 0;
};

struct Vertex {
  /// Safe in any of the languages: no name of a node is one of theirs.
  std::string id;
  std::string name;
  /// `9998 ok, 2 failed`; empty for the record and the output.
  std::string counts;
};

struct Graph {
  std::vector<Vertex> vertices;
  /// By `from`, then by `to`.
  std::vector<Edge> edges;
};

std::string CountsOf(const model::NodeStatistics& node) {
  std::string text = absl::StrCat(node.success_count, " ok");
  if (node.failure_count > 0) absl::StrAppend(&text, ", ", node.failure_count, " failed");
  if (node.hold_count > 0) absl::StrAppend(&text, ", ", node.hold_count, " held");
  if (node.skipped_count > 0) absl::StrAppend(&text, ", ", node.skipped_count, " skipped");
  return text;
}

Graph MakeGraph(const ServiceDefinition& plan, const model::NodeStatisticsMap& counted) {
  static const model::NodeStatistics kNone;
  const auto statistics = [&](const std::string& node) -> const model::NodeStatistics& {
    const auto found = counted.find(node);
    return found == counted.end() ? kNone : found->second;
  };
  // Of what a node gave, no more than got to where the edge leads: another node between may have failed.
  const auto taken = [&](const std::string& from, int64_t records) {
    return std::min(statistics(from).success_count, records);
  };
  Graph graph;
  graph.vertices.push_back({"record", "record", ""});
  std::map<std::string, size_t> places;
  const auto add = [&](const std::string& name) {
    const size_t place = graph.vertices.size();
    places.emplace(name, place);
    graph.vertices.push_back({absl::StrCat("n", place), name, CountsOf(statistics(name))});
  };
  for (const ServiceNode& node : plan.nodes) add(node.name);
  for (const auto& [name, node] : counted) {
    if (!places.contains(name)) add(name);
  }
  const size_t output = graph.vertices.size();
  graph.vertices.push_back({"output", "output", ""});

  for (const ServiceNode& node : plan.nodes) {
    const size_t to = places.at(node.name);
    // Inputs come with the record, and a node that needs nothing runs for each record.
    bool needs_record = node.depends_on.empty();
    for (const std::string& name : node.depends_on) {
      const auto from = places.find(name);
      if (from == places.end()) {
        needs_record = true;
      } else {
        graph.edges.push_back({from->second, to, taken(name, statistics(node.name).record_count)});
      }
    }
    if (needs_record) graph.edges.push_back({0, to, statistics(node.name).record_count});
  }
  // What is through the last node has all its outputs: a record that fails in a node goes no further.
  const model::NodeStatistics& last = plan.nodes.empty() ? kNone : statistics(plan.nodes.back().name);
  const int64_t through = last.success_count + last.skipped_count;
  bool hands_inputs_out = false;
  for (const std::string& name : plan.outputs) {
    const auto from = places.find(name);
    if (from == places.end()) {
      hands_inputs_out = true;
    } else {
      graph.edges.push_back({from->second, output, taken(name, through)});
    }
  }
  if (hands_inputs_out) graph.edges.push_back({0, output, through});
  std::sort(graph.edges.begin(), graph.edges.end(),
            [](const Edge& a, const Edge& b) { return a.from != b.from ? a.from < b.from : a.to < b.to; });
  return graph;
}

std::string DrawText(const Graph& graph) {
  std::string text;
  auto edge = graph.edges.begin();
  for (size_t place = 0; place + 1 < graph.vertices.size(); ++place) {
    const Vertex& vertex = graph.vertices[place];
    absl::StrAppend(&text, vertex.name, vertex.counts.empty() ? "" : ": ", vertex.counts, "\n");
    for (; edge != graph.edges.end() && edge->from == place; ++edge) {
      absl::StrAppend(&text, "  -> ", graph.vertices[edge->to].name, " (", edge->records, ")\n");
    }
  }
  return text;
}

std::string DrawDot(std::string_view title, const Graph& graph) {
  const std::string name = absl::StrReplaceAll(std::string(title), {{"\\", "\\\\"}, {"\"", "\\\""}});
  std::string text = absl::StrCat("digraph \"", name, "\" {\n  rankdir=LR;\n  node [shape=box];\n");
  for (const Vertex& vertex : graph.vertices) {
    absl::StrAppend(&text, "  ", vertex.id, " [label=\"", vertex.name, vertex.counts.empty() ? "" : "\\n",
                    vertex.counts, vertex.counts.empty() ? "\", shape=oval];\n" : "\"];\n");
  }
  for (const Edge& edge : graph.edges) {
    absl::StrAppend(&text, "  ", graph.vertices[edge.from].id, " -> ", graph.vertices[edge.to].id, " [label=\"",
                    edge.records, "\"];\n");
  }
  return text + "}\n";
}

std::string DrawMermaid(const Graph& graph) {
  std::string text = "flowchart LR\n";
  for (const Vertex& vertex : graph.vertices) {
    if (vertex.counts.empty()) {
      absl::StrAppend(&text, "  ", vertex.id, "([", vertex.name, "])\n");
    } else {
      absl::StrAppend(&text, "  ", vertex.id, "[\"", vertex.name, "<br/>", vertex.counts, "\"]\n");
    }
  }
  for (const Edge& edge : graph.edges) {
    absl::StrAppend(&text, "  ", graph.vertices[edge.from].id, " -->|", edge.records, "| ", graph.vertices[edge.to].id,
                    "\n");
  }
  return text;
}

}  // namespace

std::string DrawDag(std::string_view title, const ServiceDefinition& plan, const model::NodeStatisticsMap& counted,
                    DagFormat format) {
  const Graph graph = MakeGraph(plan, counted);
  switch (format) {
    case DagFormat::kText:
      return DrawText(graph);
    case DagFormat::kDot:
      return DrawDot(title, graph);
    case DagFormat::kMermaid:
      return DrawMermaid(graph);
  }
  return "";
}

}  // namespace millrace::core
