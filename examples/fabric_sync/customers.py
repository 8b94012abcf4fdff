#!/usr/bin/env python3
"""The two databases of the sync, both in one SQLite file: `customers`, the source, and `stored`, what was synced.

Usage: customers.py DATABASE make CUSTOMERS
       customers.py DATABASE store RESULTS
       customers.py DATABASE change NEW CHANGED

`make` fills the source. `store` writes what a job came to, as `millrace jobs export` has it, as a loader would, and prints how many
rows that changed. `change` adds customers to the source and moves some that are there.
"""

import json
import sqlite3
import sys

CITIES = ["Aarhus", "Bergen", "Cork", "Delft", "Essen"]


def add(database, first, count):
    rows = [(n, f"Customer {n}", CITIES[n % len(CITIES)], n * 1.25) for n in range(first, first + count)]
    database.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", rows)


def make(database, count):
    database.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT, balance REAL)")
    database.execute("CREATE TABLE stored (id INTEGER PRIMARY KEY, digest TEXT NOT NULL)")
    add(database, 1, int(count))


def store(database, results):
    changed = 0
    with open(results, encoding="utf-8") as lines:
        for line in lines:
            outputs = json.loads(line)["outputs"]
            if outputs["change"] != "Unchanged":
                database.execute("INSERT OR REPLACE INTO stored VALUES (?, ?)", (outputs["id"], outputs["digest"]))
                changed += 1
    print(changed)


def change(database, new, changed):
    (last,) = database.execute("SELECT max(id) FROM customers").fetchone()
    add(database, last + 1, int(new))
    database.execute("UPDATE customers SET city = 'Faro' WHERE id <= ?", (int(changed),))


def main():
    with sqlite3.connect(sys.argv[1]) as database:
        {"make": make, "store": store, "change": change}[sys.argv[2]](database, *sys.argv[3:])


if __name__ == "__main__":
    main()
