#!/usr/bin/env python3
"""What must hold of two runs of the sync, and of a third that waited for its data centre and began with a sample.

Usage: check.py STATS_1 STATS_2 STATS_3 EXPLANATION RUNS SLOWEST_2 SAMPLE_STATS_3 CUSTOMERS NEW MOVED SAMPLE

The first seven are what `millrace -o json` printed. Prints lines of WHAT, EXPECTED and ACTUAL, separated by tabs.
"""

import sys

from json_documents import documents


def main():
    first, second, third, explanation, runs, slowest_records, sampled = (documents(path)[0] for path in sys.argv[1:8])
    customers, new, moved, sample = (int(number) for number in sys.argv[8:])
    for stats, name, expected in [
        (first, "first", {"Added": customers}),
        (second, "second", {"Added": new, "Updated": moved, "Unchanged": customers - moved}),
        (third, "third", {"Unchanged": customers + new}),
    ]:
        counted = {entry["label"]: int(entry["count"]) for entry in stats["labels"]}
        for label in ("Added", "Updated", "Unchanged"):
            print(f"{label} by the {name} run", expected.get(label, 0), counted.get(label, 0), sep="\t")
    waited = explanation["reason"] == "EXPLAIN_REASON_NO_MATCHING_WORKER"
    print("the third waited for dc=dc1", 1, int(waited and "dc=dc1" in explanation["explanation"]), sep="\t")
    print("  before it was continued", sample, int(sampled["summary"]["recordsSubmitted"]), sep="\t")
    slowest = [float(record["processTime"].rstrip("s")) for record in second["slowestRecords"]]
    print("slowest customers, slowest first", 10, len(slowest) if slowest == sorted(slowest, reverse=True) else -1, sep="\t")
    ids = {record["input"]["id"] for record in slowest_records["records"]}
    print("  and who they are", 10, len(ids & set(range(1, customers + new + 1))), sep="\t")
    chunks = sum(int(worker["chunks"]) for worker in second["workers"])
    print("chunks of all workers", int(second["summary"]["chunksCompleted"]), chunks, sep="\t")
    states = [run["state"] for run in runs["runs"]]
    print("runs in the history", 2, len(states), sep="\t")
    print("  that are completed", 2, states.count("SCHEDULE_RUN_STATE_COMPLETED"), sep="\t")


if __name__ == "__main__":
    main()
