#!/usr/bin/env python3
"""The house rules as a test: what no compiler checks, and nobody should have to remember.

Usage: tools/tidy.py [--root FOLDER]

Prints one finding a line, `file:line: [rule] what`, with the way to mend it below, and fails when there is one. The rules
are in tools/tidy_rules, each family in a file with its tables on top; tools/tidy_test.py shows each of them failing.
"""

import argparse
import pathlib
import sys

from tidy_rules import arrows, code, docs, protos, tests
from tidy_rules.tree import Tree

RULES = [*arrows.RULES, *code.RULES, *tests.RULES, *protos.RULES, *docs.RULES]


def check(tree):
    """All findings of all rules, by file and line."""
    return sorted(finding for rule in RULES for finding in rule(tree))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    tree = Tree(parser.parse_args().root)
    findings = check(tree)
    for finding in findings:
        print(finding)
    if findings:
        print(f"tidy: {len(findings)} findings in {len(tree.paths)} files", file=sys.stderr)
        return 1
    print(f"tidy: {len(RULES)} rules hold in {len(tree.paths)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
