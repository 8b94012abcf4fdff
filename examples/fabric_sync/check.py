#!/usr/bin/env python3
"""What must hold of two runs of the sync.

Usage: check.py STATS_1 STATS_2 RUNS CUSTOMERS NEW MOVED

The first three are what `millrace -o json` printed. Prints lines of WHAT, EXPECTED and ACTUAL, separated by tabs.
"""

import sys

from json_documents import documents


def main():
    first, second, runs = (documents(path)[0] for path in sys.argv[1:4])
    customers, new, moved = (int(number) for number in sys.argv[4:])
    for stats, name, expected in [
        (first, "first", {"Added": customers}),
        (second, "second", {"Added": new, "Updated": moved, "Unchanged": customers - moved}),
    ]:
        counted = {entry["label"]: int(entry["count"]) for entry in stats["labels"]}
        for label in ("Added", "Updated", "Unchanged"):
            print(f"{label} by the {name} run", expected.get(label, 0), counted.get(label, 0), sep="\t")
    slowest = [float(record["processTime"].rstrip("s")) for record in second["slowestRecords"]]
    print("slowest customers, slowest first", 10, len(slowest) if slowest == sorted(slowest, reverse=True) else -1, sep="\t")
    chunks = sum(int(worker["chunks"]) for worker in second["workers"])
    print("chunks of all workers", int(second["summary"]["chunksCompleted"]), chunks, sep="\t")
    states = [run["state"] for run in runs["runs"]]
    print("runs in the history", 2, len(states), sep="\t")
    print("  that are completed", 2, states.count("SCHEDULE_RUN_STATE_COMPLETED"), sep="\t")


if __name__ == "__main__":
    main()
