#!/usr/bin/env python3
"""What must hold of the four bulk runs.

Usage: check.py FOLDER ROWS CONNECTIONS

FOLDER has what `millrace bulk show -o json` printed of each, the rows that were generated and the columns that were found.
Prints lines of WHAT, EXPECTED and ACTUAL, separated by tabs.
"""

import json
import pathlib
import sys

from json_documents import documents
from suite import STRICT

COLUMNS = {"customers": 3, "orders": 4, "stores": 2}


def show(what, expected, actual):
    print(what, expected, actual, sep="\t")


def main():
    folder, rows, connections = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    shown = {name: documents(folder / f"{name}.shown")[0] for name in ("generate", "pipelines", "projects", "metadata")}

    def outcomes(name):
        return {child["metadata"]["name"]: child["outcome"] for child in shown[name]["children"]}

    amounts = {}
    for schema in ("retail", "finance", "healthcare"):
        lines = (folder / f"{schema}.jsonl").read_text(encoding="utf-8").splitlines()
        amounts[schema] = [json.loads(line)["outputs"]["amount"] for line in lines]
        show(f"rows of {schema}", rows, len(amounts[schema]))

    found = {child["metadata"]["name"]: int(child["summary"]["recordsFailed"]) for child in shown["pipelines"]["children"]}
    for schema, values in amounts.items():
        show(f"rows of {schema} above {STRICT}", sum(value > STRICT for value in values), found[f"{schema}-strict"])
    show("pipelines that found nothing", 3, list(outcomes("pipelines").values()).count("OUTCOME_SUCCEEDED"))

    show("projects that passed", 2, list(outcomes("projects").values()).count("OUTCOME_SUCCEEDED"))
    children = shown["projects"]["statistics"]["children"]
    # Each once, whatever was killed: three projects, and the pipelines of each up to the first that found something.
    show("projects and pipelines that ran", 3 + 4 + 2 + 4, int(children["jobsBelow"]))

    names = [child["metadata"]["name"] for child in shown["metadata"]["children"]]
    show("databases that were read", connections, len(names))
    for name in names:
        lines = (folder / f"{name}.columns").read_text(encoding="utf-8").splitlines()
        counts = {}
        for line in lines:
            table = json.loads(line)["outputs"]["column"].split(".")[0]
            counts[table] = counts.get(table, 0) + 1
        show(f"columns found in {name}", sum(COLUMNS.values()), len(lines) if counts == COLUMNS else -1)


if __name__ == "__main__":
    main()
