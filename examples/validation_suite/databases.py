#!/usr/bin/env python3
"""A shop in SQLite, and the same as SQL for another database.

Usage: databases.py sqlite FILE    makes the file
       databases.py sql            prints the statements
"""

import sqlite3
import sys

STATEMENTS = """
CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL, city TEXT);
CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer INTEGER NOT NULL, total DOUBLE PRECISION, note TEXT);
CREATE TABLE stores (id INTEGER NOT NULL PRIMARY KEY, area REAL);
"""

if __name__ == "__main__":
    if sys.argv[1] == "sql":
        print(STATEMENTS)
    else:
        with sqlite3.connect(sys.argv[2]) as database:
            database.executescript(STATEMENTS)
