#!/usr/bin/env python3
"""What must hold of the commands, computed from what was sent and what came back.

Usage: check.py COMMANDS RESULTS CHUNKS JOB CHUNK_SIZE RATE

COMMANDS is JSON Lines, the others are what `millrace -o json` printed. Prints lines of WHAT, EXPECTED and ACTUAL,
separated by tabs.
"""

import collections
import datetime
import sys

from json_documents import documents


def seconds(time):
    """A time of the API, such as 2026-01-31T10:00:00.123456789Z, in seconds."""
    whole, _, fraction = time.rstrip("Z").partition(".")
    moment = datetime.datetime.fromisoformat(whole + "+00:00").timestamp()
    return moment + float("0." + (fraction or "0"))


def main():
    commands, results, chunks, job = (documents(path) for path in sys.argv[1:5])
    chunk_size, rate = int(sys.argv[5]), float(sys.argv[6])
    chunks, job = chunks[0]["chunks"], job[0]

    # Every command in the order in which the results hand it out, with or without an output.
    seen = collections.defaultdict(list)
    messages = foreign = 0
    for result in results:
        first = (int(result["sequence"]) - 1) * chunk_size
        for index, output in enumerate(result["outputs"]):
            command = commands[first + index]
            seen[command["device"]].append(command["number"])
            if output is not None:
                messages += 1
                foreign += (output["device"], output["number"]) != (command["device"], command["number"])
    per_device = collections.Counter(command["device"] for command in commands)
    in_order = sum(seen[device] == list(range(1, count + 1)) for device, count in per_device.items())

    # What was committed at a moment had been started before it: never more than the rate allows, and one chunk.
    too_fast = committed = 0
    for chunk in sorted(chunks, key=lambda chunk: seconds(chunk["commitTime"])):
        committed += chunk["recordCount"]
        allowed = rate * (seconds(chunk["commitTime"]) - seconds(job["startTime"])) + chunk_size
        too_fast += committed > allowed

    for what, expected, actual in [
        ("commands with an outcome", len(commands), sum(len(numbers) for numbers in seen.values())),
        ("devices with all, in order", len(per_device), in_order),
        ("messages", len(commands) - int(job["summary"]["recordsFailed"]), messages),
        ("messages of another command", 0, foreign),
        ("commits faster than the throttle", 0, too_fast),
    ]:
        print(what, expected, actual, sep="\t")


if __name__ == "__main__":
    main()
