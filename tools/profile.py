#!/usr/bin/env python3
"""What a chunk costs the server, in instructions, by room and by library.

Runs `millraced` under callgrind twice, with N and with 3 N chunks of the bench's kind (300 records of five fields,
formula A), and takes the difference: what the server does once, starting and stopping, falls out. Instructions are
nearly the same in every run, whatever else the machine does, so two builds can be compared by a few per cent. They say
nothing of the kernel, where copying and waiting happen: for that, see docs/PERFORMANCE.md.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile

RECORDS_PER_CHUNK = 300
SERVICE = """
service: bench/formula-a
version: 1.0.0
inputs:
  value: {type: number}
  qty: {type: number}
nodes:
  total: {lua: "value * qty * (1 + params.rate)"}
outputs: ["*", total]
"""
REGIONS = ("EMEA", "AMER", "APAC", "LATAM", "NORD")
WORDS = ("pending", "review", "customer", "order", "late", "invoice", "check", "approved")

# What to call the libraries; the first that matches the file name counts.
LIBRARIES = (
    ("liblz4", "lz4"), ("libxxhash", "xxhash"), ("liblua", "Lua"), ("libsimdjson", "simdjson"),
    ("librocksdb", "RocksDB"), ("libgrpc", "gRPC"), ("libgpr", "gRPC"), ("libaddress_sorting", "gRPC"),
    ("libprotobuf", "Protobuf"), ("libabsl", "Abseil"), ("libspdlog", "spdlog"), ("libfmt", "spdlog"),
    ("libstdc++", "libstdc++"), ("libc.so", "libc"), ("libm.so", "libc"), ("ld-linux", "libc"),
)


def write_records(path, chunks):
    rng = random.Random(1)
    with open(path, "w", encoding="utf-8") as file:
        for number in range(chunks * RECORDS_PER_CHUNK):
            record = {"id": f"c-{number:06d}", "value": rng.randrange(1_000_000) / 100, "qty": rng.randrange(100),
                      "region": rng.choice(REGIONS), "note": " ".join(rng.choices(WORDS, k=3))}
            file.write(json.dumps(record, separators=(",", ":")) + "\n")


def wait_for_port(server, port_file):
    """Reads the port that the server writes once it serves; the open ends with the server."""
    with open(port_file, encoding="utf-8") as pipe:
        text = pipe.readline().strip()
    if not text:
        sys.exit(f"profile: the server ended with {server.wait()} before it served")
    return text


def run_once(programs, chunks):
    """Instructions by (object file, function) of a server that runs `chunks` chunks and ends."""
    with tempfile.TemporaryDirectory(prefix="millrace-profile-") as name:
        folder = pathlib.Path(name)
        write_records(folder / "records.jsonl", chunks)
        (folder / "service.yaml").write_text(SERVICE, encoding="utf-8")
        port_file = folder / "port"
        subprocess.run(["mkfifo", port_file], check=True)
        out = folder / "callgrind.out"
        with open(folder / "server.log", "w", encoding="utf-8") as log:
            server = subprocess.Popen(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--dump-line=no",
                 programs / "millraced", "--data-dir", folder / "data", "--listen", "127.0.0.1:0",
                 "--port-file", port_file, "--log-level", "warn"], stdout=log, stderr=log)
            try:
                address = f"127.0.0.1:{wait_for_port(server, port_file)}"
                cli = [programs / "millrace", "--server", address]
                subprocess.run([*cli, "services", "create", folder / "service.yaml"], check=True, stdout=log)
                subprocess.run([*cli, "run", "bench/formula-a", "--input", folder / "records.jsonl", "--output",
                                folder / "results.jsonl", "--chunk-size", str(RECORDS_PER_CHUNK), "--param",
                                "rate=0.25"], check=True, stdout=log, stderr=log)
            except subprocess.CalledProcessError as error:
                log.flush()
                sys.exit(f"profile: {error}\n{(folder / 'server.log').read_text(encoding='utf-8')}")
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait()
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
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of millraced and millrace")
    parser.add_argument("--chunks", type=int, default=60, help="chunks of the shorter run (default 60)")
    parser.add_argument("--functions", type=int, default=25, help="how many functions to name (default 25)")
    args = parser.parse_args()
    if args.chunks < 1:
        parser.error("--chunks: expected at least 1")
    few = run_once(args.bin.resolve(), args.chunks)
    many = run_once(args.bin.resolve(), 3 * args.chunks)
    many.subtract(few)
    print_table(many, 2 * args.chunks, args.functions)


if __name__ == "__main__":
    main()
