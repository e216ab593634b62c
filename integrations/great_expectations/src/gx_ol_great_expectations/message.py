"""A validation result as a message: its JSON, its key and its headers."""

import datetime
import enum
import json
import pathlib
import uuid
from decimal import Decimal
from typing import Any, Dict, Mapping, NamedTuple, Optional

# Deeper than any result; a structure that contains itself ends here.
_MAX_DEPTH = 100


class Message(NamedTuple):
    """What is sent for one validation result."""

    value: bytes
    key: Optional[str]
    headers: Dict[str, str]


def message_of(result: Any, headers: Mapping[str, str]) -> Message:
    """The message for a validation result of any Great Expectations. Never raises."""
    document = document_of(result)
    return Message(value=dump(document), key=key_of(document), headers=dict(headers))


def document_of(result: Any) -> Any:
    """The result as the dictionary that Great Expectations makes of it, or, where it cannot (columns of Timedelta), one of our making."""
    try:
        return result.to_json_dict()
    except Exception:
        return _by_hand(result)


_PARTS = ("success", "results", "meta", "statistics", "evaluation_parameters", "suite_parameters", "suite_name", "id")
_RESULT_PARTS = ("success", "expectation_config", "result", "meta", "exception_info")
_CONFIG_PARTS = ("expectation_type", "type", "kwargs", "meta", "id", "ge_cloud_id", "severity")


def _by_hand(result: Any) -> Dict[str, Any]:
    document = _parts(result, _PARTS)
    results = document.get("results")
    document["results"] = [_result(r) for r in results] if isinstance(results, (list, tuple)) else []
    return document


def _result(result: Any) -> Any:
    try:
        return result.to_json_dict()
    except Exception:
        document = _parts(result, _RESULT_PARTS)
        config = document.get("expectation_config")
        if config is not None and not isinstance(config, dict):
            document["expectation_config"] = _parts(config, _CONFIG_PARTS)
        return document


def _parts(thing: Any, names: Any) -> Dict[str, Any]:
    found = {name: getattr(thing, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def dump(document: Any) -> bytes:
    """JSON in UTF-8. What JSON has no word for is written as its nearest relative, or as the name of its type; never as its repr, which
    may be a whole table."""
    try:
        return json.dumps(document, default=plain).encode("utf-8")
    except Exception:  # keys that are no strings, structures that contain themselves
        return json.dumps(_walk(document, 0)).encode("utf-8")


def plain(value: Any) -> Any:
    """``default`` of json.dumps: numpy, pandas and the standard library's own values. Never raises."""
    try:
        return _plain(value)
    except Exception:
        return _stranger(value)


def _plain(value: Any) -> Any:
    if type(value).__name__ == "NAType":  # pandas.NA
        return None
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):  # pandas.Timestamp and NaT too
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (uuid.UUID, pathlib.PurePath)):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    module = type(value).__module__.partition(".")[0]
    if module == "numpy":
        if getattr(value, "dtype", None) is not None and getattr(value.dtype, "kind", "") in "mM":
            return str(value)  # item() of a datetime64[ns] is an integer
        return value.tolist()  # of arrays and of scalars; numpy.void of a record gives a tuple
    if hasattr(value, "to_json_dict"):
        return value.to_json_dict()
    return _stranger(value)


def _stranger(value: Any) -> str:
    return "<<non-serializable: " + type(value).__name__ + ">>"  # as Great Expectations' own actions write it


def _walk(value: Any, depth: int) -> Any:
    """The slow way, for what json.dumps refuses in spite of ``plain``."""
    if depth > _MAX_DEPTH:
        return _stranger(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return _scalar(value)
    if isinstance(value, Mapping):
        return {_key(k): _walk(v, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_walk(v, depth + 1) for v in value]
    made = plain(value)
    return _stranger(value) if type(made) is type(value) else _walk(made, depth + 1)


def _scalar(value: Any) -> Any:
    # A subclass may bring methods of its own that raise: only the plain type is sure to be written.
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return value if type(value) is kind else kind(value)
    return value


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, tuple):  # metric ids of keyed exceptions: Great Expectations writes their text
        return "(" + ", ".join(_key(k) for k in key) + ")"
    made = key if key is None or isinstance(key, (bool, int, float)) else plain(key)
    return made if isinstance(made, str) else json.dumps(made, default=_stranger)


def key_of(document: Any) -> Optional[str]:
    """``<datasource>.<asset>``, so that one dataset keeps its order in the topic; without them the suite's name, or no key."""
    meta = _mapping(_mapping(document).get("meta"))
    batch = _mapping(meta.get("active_batch_definition"))
    block = _mapping(meta.get("batch_kwargs"))  # V2 of 0.15
    asset = batch.get("data_asset_name") or block.get("data_asset_name")
    datasource = batch.get("datasource_name") or block.get("datasource")
    if datasource and asset:
        return f"{datasource}.{asset}"
    suite = _mapping(document).get("suite_name") or meta.get("expectation_suite_name")
    return str(suite) if suite else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
