"""What the checkpoints of both generations check, and how they tell what became of it."""

import csv
import json
import logging
import pathlib
import sqlite3
import sys

DIR = pathlib.Path(sys.argv[1])  # an empty folder
ACTION = json.loads(sys.argv[2])  # the action's parameters
DATABASE = DIR / "shop.db"

# (expectation, kwargs); the numbers are those of make().
ORDERS = [
    ("expect_table_row_count_to_equal", {"value": 3}),
    ("expect_column_values_to_not_be_null", {"column": "id"}),
]
CUSTOMERS = [
    ("expect_column_values_to_not_be_null", {"column": "name"}),
    ("expect_column_values_to_be_between", {"column": "age", "min_value": 18, "max_value": 99}),  # fails: one is 7
    # leaves numpy values in the result
    ("expect_column_quantile_values_to_be_between", {"column": "age", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 99]]}}),
]


class Warnings(logging.Handler):
    """Keeps what the action warns of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


warned = Warnings()
logging.getLogger("gx_ol_great_expectations").addHandler(warned)


def make():
    """The table and the file."""
    with sqlite3.connect(DATABASE) as db:
        db.execute("CREATE TABLE orders (id INTEGER, amount REAL)")
        db.executemany("INSERT INTO orders VALUES (?, ?)", [(1, 9.5), (2, 20.0), (3, 1.25)])
    with open(DIR / "customers.csv", "w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([["name", "age"], ["ROWVALUE-a", 40], ["ROWVALUE-b", 7], ["ROWVALUE-c", 55]])


def tell(result, stored):
    """The checkpoint's end, for the test."""
    told = {"success": bool(result.success), "results": len(result.run_results), "warnings": warned.texts, "stored": stored}
    (DIR / "told.json").write_text(json.dumps(told), encoding="utf-8")
