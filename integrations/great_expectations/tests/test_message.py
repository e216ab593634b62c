"""What a message holds, for whatever Great Expectations leaves in a result."""

import datetime
import decimal
import enum
import json
import math
import pathlib
import uuid

import pytest

from gx_ol_great_expectations.message import dump, document_of, key_of, message_of

numpy = pytest.importorskip("numpy")
pandas = pytest.importorskip("pandas")


class Colour(enum.Enum):
    RED = "red"


class Row:
    def __repr__(self):
        return "ROWVALUE"


class Hostile:
    def to_json_dict(self):
        raise RuntimeError("ROWVALUE")


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (numpy.bool_(True), True),
        (numpy.int64(2**60), 2**60),
        (numpy.float32(0.5), 0.5),
        (numpy.array([1, 2]), [1, 2]),
        (numpy.array([datetime.date(2024, 1, 1)], dtype=object), ["2024-01-01"]),
        (numpy.datetime64("2024-01-01T00:00:00", "ns"), "2024-01-01T00:00:00.000000000"),
        (pandas.Timestamp("2024-01-01"), "2024-01-01T00:00:00"),
        (pandas.Timedelta(days=1), "1 days 00:00:00"),
        (pandas.NaT, "NaT"),
        (pandas.NA, None),
        (datetime.date(2024, 1, 1), "2024-01-01"),
        (datetime.time(1, 2), "01:02:00"),
        (datetime.timedelta(hours=1), "1:00:00"),
        (decimal.Decimal("12345678901234567890"), 12345678901234567890),
        (decimal.Decimal("1.5"), 1.5),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("/data/a.csv"), "/data/a.csv"),
        (Colour.RED, "red"),
        ({1}, [1]),
        (Row(), "<<non-serializable: Row>>"),
        (Hostile(), "<<non-serializable: Hostile>>"),
        (b"ROWVALUE", "<<non-serializable: bytes>>"),
        (pandas.DataFrame({"a": ["ROWVALUE"]}), "<<non-serializable: DataFrame>>"),
        (decimal.Decimal("sNaN"), "<<non-serializable: Decimal>>"),
    ],
)
def test_every_value_has_a_form_in_json(value, want):
    assert json.loads(dump({"v": [value]})) == {"v": [want]}
    # the slow way gives the same
    assert json.loads(dump({"v": [value], ("k", 1): 0})) == {"v": [want], "(k, 1)": 0}


def test_infinity_stays_as_great_expectations_writes_it():
    assert json.loads(dump([math.inf])) == [math.inf]


def test_keys_that_are_no_strings():
    got = json.loads(dump({1: "a", None: "b", ("m", ()): "c", numpy.int64(3): "d", datetime.date(2024, 1, 1): "e", Row(): "f"}))
    assert got == {"1": "a", "null": "b", "(m, ())": "c", "3": "d", "2024-01-01": "e", "<<non-serializable: Row>>": "f"}


def test_a_structure_that_contains_itself_ends():
    loop = {}
    loop["again"] = loop
    assert b"non-serializable: dict" in dump(loop)


@pytest.mark.parametrize(
    ("document", "want"),
    [
        ({"meta": {"active_batch_definition": {"datasource_name": "shop", "data_asset_name": "orders"}}}, "shop.orders"),
        ({"meta": {"batch_kwargs": {"datasource": "files", "data_asset_name": "orders"}}}, "files.orders"),
        ({"meta": {"active_batch_definition": {"datasource_name": "shop"}}, "suite_name": "s"}, "s"),
        ({"meta": {"expectation_suite_name": "s0"}}, "s0"),
        ({"meta": None}, None),
        ("no result at all", None),
    ],
)
def test_the_key_is_the_dataset(document, want):
    assert key_of(document) == want


class Result:
    """As Great Expectations' own: attributes, and a to_json_dict that a column of Timedelta breaks."""

    def __init__(self, broken, **parts):
        self.__dict__.update(parts)
        self._broken = broken

    def to_json_dict(self):
        if self._broken:
            raise TypeError("ROWVALUE")
        return {k: v for k, v in self.__dict__.items() if k != "_broken"}


def test_a_result_that_great_expectations_cannot_write_is_written_by_hand():
    config = Result(True, expectation_type="expect_column_max_to_be_between", kwargs={"column": "took"}, meta={})
    bad = Result(True, success=True, expectation_config=config, result={"observed_value": pandas.Timedelta(days=1)}, exception_info=None)
    good = Result(False, success=True, result={})
    suite = Result(True, success=True, results=[good, bad], meta={"run_id": {}}, statistics={"evaluated_expectations": 2})
    assert json.loads(dump(document_of(suite))) == {
        "success": True,
        "results": [
            {"success": True, "result": {}},
            {
                "success": True,
                "expectation_config": {"expectation_type": "expect_column_max_to_be_between", "kwargs": {"column": "took"}, "meta": {}},
                "result": {"observed_value": "1 days 00:00:00"},
            },
        ],
        "meta": {"run_id": {}},
        "statistics": {"evaluated_expectations": 2},
    }


def test_headers_are_the_messages_own():
    headers = {"openlineage-job-name": "nightly"}
    message = message_of(Result(False, success=True, meta={}), headers)
    headers.clear()
    assert message.headers == {"openlineage-job-name": "nightly"}
