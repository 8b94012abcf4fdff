#include "server/core/service_dag.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::core {
namespace {

model::NodeStatistics Counts(int64_t records, int64_t ok, int64_t failed = 0, int64_t held = 0, int64_t skipped = 0) {
  model::NodeStatistics node;
  node.record_count = records;
  node.success_count = ok;
  node.failure_count = failed;
  node.hold_count = held;
  node.skipped_count = skipped;
  return node;
}

ServiceNode Node(const std::string& name, const std::vector<std::string>& depends_on) {
  return {.name = name, .lua = "", .when = "", .depends_on = depends_on};
}

/// In run order, as Plan leaves it.
ServiceDefinition Strike() {
  ServiceDefinition plan;
  plan.service = "aviation/strike";
  plan.nodes = {Node("mass_kg", {"size"}), Node("speed_mps", {"knots"}), Node("energy_j", {"mass_kg", "speed_mps"})};
  plan.outputs = {"energy_j", "mass_kg"};
  return plan;
}

const model::NodeStatisticsMap kCounted = {
    {"mass_kg", Counts(1000, 998, 2)}, {"speed_mps", Counts(998, 990, 0, 3, 5)}, {"energy_j", Counts(995, 993, 2)}};

std::string Draw(DagFormat format) { return DrawDag("aviation/strike[1.0.0]", Strike(), kCounted, format); }

TEST(ServiceDagTest, Text) {
  EXPECT_EQ(Draw(DagFormat::kText),
            "record\n"
            "  -> mass_kg (1000)\n"
            "  -> speed_mps (998)\n"
            "mass_kg: 998 ok, 2 failed\n"
            "  -> energy_j (995)\n"
            "  -> output (993)\n"
            "speed_mps: 990 ok, 3 held, 5 skipped\n"
            "  -> energy_j (990)\n"
            "energy_j: 993 ok, 2 failed\n"
            "  -> output (993)\n");
}

TEST(ServiceDagTest, Dot) {
  EXPECT_EQ(Draw(DagFormat::kDot),
            "digraph \"aviation/strike[1.0.0]\" {\n"
            "  rankdir=LR;\n"
            "  node [shape=box];\n"
            "  record [label=\"record\", shape=oval];\n"
            "  n1 [label=\"mass_kg\\n998 ok, 2 failed\"];\n"
            "  n2 [label=\"speed_mps\\n990 ok, 3 held, 5 skipped\"];\n"
            "  n3 [label=\"energy_j\\n993 ok, 2 failed\"];\n"
            "  output [label=\"output\", shape=oval];\n"
            "  record -> n1 [label=\"1000\"];\n"
            "  record -> n2 [label=\"998\"];\n"
            "  n1 -> n3 [label=\"995\"];\n"
            "  n1 -> output [label=\"993\"];\n"
            "  n2 -> n3 [label=\"990\"];\n"
            "  n3 -> output [label=\"993\"];\n"
            "}\n");
}

TEST(ServiceDagTest, Mermaid) {
  EXPECT_EQ(Draw(DagFormat::kMermaid),
            "flowchart LR\n"
            "  record([record])\n"
            "  n1[\"mass_kg<br/>998 ok, 2 failed\"]\n"
            "  n2[\"speed_mps<br/>990 ok, 3 held, 5 skipped\"]\n"
            "  n3[\"energy_j<br/>993 ok, 2 failed\"]\n"
            "  output([output])\n"
            "  record -->|1000| n1\n"
            "  record -->|998| n2\n"
            "  n1 -->|995| n3\n"
            "  n1 -->|993| output\n"
            "  n2 -->|990| n3\n"
            "  n3 -->|993| output\n");
}

TEST(ServiceDagTest, ANodeBehindNodesAndInputsHasEdgesFromBoth) {
  ServiceDefinition plan;
  plan.nodes = {Node("a", {}), Node("b", {"a", "x"})};
  plan.outputs = {"b"};
  EXPECT_EQ(DrawDag("t", plan, {{"a", Counts(7, 6, 1)}, {"b", Counts(6, 6)}}, DagFormat::kText),
            "record\n"
            "  -> a (7)\n"
            "  -> b (6)\n"
            "a: 6 ok, 1 failed\n"
            "  -> b (6)\n"
            "b: 6 ok\n"
            "  -> output (6)\n");
}

TEST(ServiceDagTest, WhatIsHandedOutAsItCameCountsTheRecordsThatCameThrough) {
  ServiceDefinition plan;
  plan.nodes = {Node("m", {"n"})};
  plan.outputs = {"*", "n", "m"};
  EXPECT_EQ(DrawDag("t", plan, {{"m", Counts(2, 2)}}, DagFormat::kText),
            "record\n"
            "  -> m (2)\n"
            "  -> output (2)\n"
            "m: 2 ok\n"
            "  -> output (2)\n");
  EXPECT_EQ(DrawDag("t", plan, {{"m", Counts(2, 2)}}, DagFormat::kMermaid),
            "flowchart LR\n"
            "  record([record])\n"
            "  n1[\"m<br/>2 ok\"]\n"
            "  output([output])\n"
            "  record -->|2| n1\n"
            "  record -->|2| output\n"
            "  n1 -->|2| output\n");
}

TEST(ServiceDagTest, ANodeOfAnotherVersionStandsAloneAndOneThatNeverRanHasZeroes) {
  ServiceDefinition plan;
  plan.nodes = {Node("now", {"n"})};
  plan.outputs = {"now"};
  EXPECT_EQ(DrawDag("t", plan, {{"before", Counts(3, 3)}}, DagFormat::kText),
            "record\n"
            "  -> now (0)\n"
            "now: 0 ok\n"
            "  -> output (0)\n"
            "before: 3 ok\n");
}

TEST(ServiceDagTest, ATitleCannotLeaveItsQuotes) {
  EXPECT_EQ(DrawDag("a\"\\b", {}, {}, DagFormat::kDot),
            "digraph \"a\\\"\\\\b\" {\n"
            "  rankdir=LR;\n"
            "  node [shape=box];\n"
            "  record [label=\"record\", shape=oval];\n"
            "  output [label=\"output\", shape=oval];\n"
            "}\n");
}

}  // namespace
}  // namespace millrace::core
