#!/usr/bin/env python3
"""The prices once more, without the service, beside what the service says.

Usage: check.py TRADES RESULTS RATE

TRADES is JSON Lines, RESULTS is what `millrace pipelines pull -o json` printed, call behind call. Prints lines of WHAT,
EXPECTED and ACTUAL, separated by tabs.
"""

import json
import math
import sys

from json_documents import documents

SPREADS = {"AAA": 0.004, "AA": 0.007, "A": 0.011, "BBB": 0.018}


def pulled(path):
    """The results of all pulls."""
    return [result for pull in documents(path) for result in pull["results"]]


def price(trade, rate):
    """The sum of what is paid, each payment discounted on its own."""
    growth = 1 + rate + SPREADS[trade["rating"]]
    coupons = math.fsum(trade["coupon"] / growth**year for year in range(1, trade["years"] + 1))
    return trade["face"] * (coupons + growth ** -trade["years"])


def merged(results):
    """The summaries of all chunks as one, by operator."""
    parts = {}
    for result in results:
        for part in result["summary"]:
            parts.setdefault(part["operator"], []).append((part["value"], int(part["count"])))
    values = {operator: [value for value, _ in found] for operator, found in parts.items()}
    return {
        "SUM": math.fsum(values["SUM"]),
        "COUNT": sum(values["COUNT"]),
        "MIN": min(values["MIN"]),
        "MAX": max(values["MAX"]),
        "MEAN": math.fsum(mean * count for mean, count in parts["MEAN"]) / sum(count for _, count in parts["MEAN"]),
    }


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        trades = [json.loads(line) for line in file]
    results, rate = pulled(sys.argv[2]), float(sys.argv[3])
    expected = {trade["id"]: price(trade, rate) for trade in trades}
    outputs = [output for result in results for output in result["outputs"]]
    close = sum(math.isclose(output["price"], expected[output["id"]], rel_tol=1e-12) for output in outputs)

    print("trades priced", len(trades), len(outputs), sep="\t")
    print("  different ones", len(trades), len({output["id"] for output in outputs}), sep="\t")
    print("  at the price calculated here", len(trades), close, sep="\t")
    summary = merged(results)
    total = math.fsum(expected.values())
    print("COUNT", len(trades), summary["COUNT"], sep="\t")
    for operator, value in [("SUM", total), ("MIN", min(expected.values())), ("MAX", max(expected.values())),
                            ("MEAN", total / len(trades))]:
        print(operator, f"{value:.2f}", f"{summary[operator]:.2f}", sep="\t")


if __name__ == "__main__":
    main()
