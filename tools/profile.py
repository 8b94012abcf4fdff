#!/usr/bin/env python3
"""What a chunk costs the server, in instructions, by room and by library.

Runs `millraced` under callgrind twice, with N and with 3 N chunks of the bench's kind (300 records of five fields,
formula A), and takes the difference: what the server does once, starting and stopping, falls out. Instructions are
nearly the same in every run, whatever else the machine does, so two builds can be compared by a few per cent. They say
nothing of the kernel, where copying and waiting happen: for that, see docs/PERFORMANCE.md.
"""

import argparse
import collections
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

RECORDS_PER_CHUNK = 300

# What to call the libraries; the first that matches the file name counts.
LIBRARIES = (
    ("liblz4", "lz4"), ("libxxhash", "xxhash"), ("liblua", "Lua"), ("libsimdjson", "simdjson"),
    ("librocksdb", "RocksDB"), ("libgrpc", "gRPC"), ("libgpr", "gRPC"), ("libaddress_sorting", "gRPC"),
    ("libprotobuf", "Protobuf"), ("libabsl", "Abseil"), ("libspdlog", "spdlog"), ("libfmt", "spdlog"),
    ("libstdc++", "libstdc++"), ("libc.so", "libc"), ("libm.so", "libc"), ("ld-linux", "libc"),
)


def run_once(programs, chunks):
    """Instructions by (object file, function) of a server that runs `chunks` chunks and is drained."""
    with tempfile.TemporaryDirectory(prefix="millrace-profile-") as name:
        folder = pathlib.Path(name)
        out = folder / "callgrind.out"
        server = folder / "server"
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--dump-line=no",
                    str(programs / "millraced")]
        server.write_text(f'#!/bin/sh\nexec {shlex.join(valgrind)} "$@"\n', encoding="utf-8")
        server.chmod(0o700)
        bench = subprocess.run([programs / "millrace_bench", "drained", "--server-binary", server, "--records",
                                str(chunks * RECORDS_PER_CHUNK)], capture_output=True, text=True, check=False)
        if bench.returncode != 0:
            sys.exit(f"profile: the bench ended with {bench.returncode}\n{bench.stdout}{bench.stderr}")
        return read_costs(out)


def read_costs(path):
    """Self cost by (object file, function), from callgrind's own format (its manual, "Callgrind Format
    Specification")."""
    names = {"ob": {}, "fn": {}}
    current = {"ob": "", "fn": ""}
    costs = collections.Counter()
    is_call = False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line[0] in "0123456789+-*":
                # The line after calls= has what the callee cost, which is counted where it is spent.
                if not is_call:
                    costs[current["ob"], current["fn"]] += int(line.split()[-1])
                is_call = False
            elif line.startswith("calls="):
                is_call = True
            else:
                match = re.match(r"c?(ob|fn)=\((\d+)\)(?: (.*))?", line)
                if match:
                    kind, number, name = match.groups()
                    if name is not None:
                        names[kind][number] = name
                    if line[0] != "c":
                        current[kind] = names[kind][number]
    return costs


def place_of(object_file, function):
    base = pathlib.Path(object_file).name
    if base != "millraced":
        return next((name for prefix, name in LIBRARIES if base.startswith(prefix)), base)
    match = re.search(r"millrace::(\w+)::", function)
    if match:
        return "Protobuf" if match.group(1) == "v1" else f"millraced: {match.group(1)}"
    if re.search(r"\bgrpc", function):
        return "gRPC"
    return "millraced: other"


def print_table(costs, per, top):
    places = collections.Counter()
    for (object_file, function), cost in costs.items():
        places[place_of(object_file, function)] += cost
    total = sum(places.values())
    print(f"{'instructions a chunk':>22}  share")
    for place, cost in places.most_common():
        if cost * 1000 >= total:
            print(f"{cost / per:>22,.0f}  {cost / total:>5.1%}  {place}")
    print(f"{total / per:>22,.0f}  {1:>5.0%}  all, {total / per / RECORDS_PER_CHUNK:,.0f} a record")
    print("\nThe dearest functions:")
    for (object_file, function), cost in costs.most_common(top):
        short = re.sub(r"\(.*", "", function)[:80]
        print(f"{cost / per:>22,.0f}  {cost / total:>5.1%}  {short}  [{pathlib.Path(object_file).name}]")


def main():
    parser = argparse.ArgumentParser(prog="./tools/dev profile", description=__doc__.split("\n\n")[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of millraced and millrace_bench")
    parser.add_argument("--chunks", type=int, default=60, help="chunks of the shorter run (default 60)")
    parser.add_argument("--functions", type=int, default=25, help="how many functions to name (default 25)")
    args = parser.parse_args()
    if args.chunks < 10:
        parser.error("--chunks: expected at least 10")
    few = run_once(args.bin.resolve(), args.chunks)
    many = run_once(args.bin.resolve(), 3 * args.chunks)
    many.subtract(few)
    print_table(many, 2 * args.chunks, args.functions)


if __name__ == "__main__":
    main()
