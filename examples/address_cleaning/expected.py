#!/usr/bin/env python3
"""What data/birdstrikes.csv must give, computed without the service.

Usage: expected.py CSV EVERY FIRST BY_HAND_J

Prints one JSON object: the exceptions of version 1.0.0 in one record of EVERY and in the FIRST records, those that version
1.1.0 leaves, and the energy of all records in J once they are resolved, where a record that lacks both its speed and a known
damage gets BY_HAND_J.
"""

import csv
import json
import math
import statistics
import sys

SPEED, PHASE, SIZE, DAMAGE = "Speed IAS in knots", "Phase of flight", "Wildlife Size", "Effect Amount of damage"
MASS_KG = {"Small": 0.1, "Medium": 1.0, "Large": 4.0}
KNOWN_DAMAGES = {"None", "Minor", "Medium", "Substantial"}


def fails_at_first(report):
    return not report[SPEED] or report[DAMAGE] not in KNOWN_DAMAGES


def main():
    path, every, first, by_hand = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    with open(path, encoding="utf-8", newline="") as file:
        reports = list(csv.DictReader(file))

    speeds = {}
    for report in reports:
        if report[SPEED]:
            speeds.setdefault(report[PHASE], []).append(float(report[SPEED]))
    medians = {phase: statistics.median(values) for phase, values in speeds.items()}

    def energy(report):
        if not report[SPEED] and report[DAMAGE] not in KNOWN_DAMAGES:
            return by_hand
        knots = float(report[SPEED]) if report[SPEED] else medians[report[PHASE]]
        return 0.5 * MASS_KG[report[SIZE]] * (knots * 0.514444) ** 2

    print(json.dumps({
        "records": len(reports),
        "sample": len(reports[::every]),
        "sample_exceptions": sum(map(fails_at_first, reports[::every])),
        "first_exceptions": sum(map(fails_at_first, reports[:first])),
        "left": sum(report[DAMAGE] not in KNOWN_DAMAGES for report in reports),
        "left_after_first": sum(report[DAMAGE] not in KNOWN_DAMAGES for report in reports[first:]),
        "energy_j": f"{math.fsum(map(energy, reports)):.2f}",
    }, indent=1))


if __name__ == "__main__":
    main()
