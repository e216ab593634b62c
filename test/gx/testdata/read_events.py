"""Reads OpenLineage events, one a line, into the classes of OpenLineage's own Python client and writes them again.

The client writes events and has no reader, so this one goes by its classes alone: every member must be a field that the class
knows, of the type that it says; the class's own validators run; and what the client writes must be what came. It prints what it
read, and what was wrong, as JSON.
"""

from __future__ import annotations

import collections
import enum
import importlib
import json
import pkgutil
import sys
import types
import typing

import attr
from openlineage.client import event_v2, generated
from openlineage.client.generated import base
from openlineage.client.serde import Serde

# Facets that no class is for: they have a base class and members of their own.
CUSTOM = set(sys.argv[1:])



class Wrong(Exception):
    """The client would not have written this."""


def facet_classes() -> dict[str, type]:
    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for value in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, base.BaseFacet):
                found[value.__name__] = value
    return found


FACETS = facet_classes()


def build(cls: type, data: object, path: str) -> object:
    """An instance of the class, of a JSON object."""
    if not isinstance(data, dict):
        raise Wrong(f"{path}: no object")
    hints = typing.get_type_hints(cls)
    known = {f.name: f for f in attr.fields(cls)}
    given = {}
    for name, value in data.items():
        field = known.get(name)
        if field is None:
            raise Wrong(f"{path}: {cls.__name__} knows no {name}")
        value = cast(hints[name], value, f"{path}.{name}")
        if field.init:
            given[field.alias or name] = value
    try:
        return cls(**given)
    except (TypeError, ValueError) as e:
        raise Wrong(f"{path}: {cls.__name__} refuses it: {e}") from e


def cast(hint: object, value: object, path: str) -> object:
    """The value as the type hint says."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is typing.Any:
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in args:
            raise Wrong(f"{path}: null, which the client never writes")
        errors = []
        for arg in args:
            if arg is not type(None):
                try:
                    return cast(arg, value, path)
                except Wrong as e:
                    errors.append(str(e))
        raise Wrong(" or ".join(errors))
    if origin is list:
        if not isinstance(value, list):
            raise Wrong(f"{path}: no list")
        return [cast(args[0], v, f"{path}[{i}]") for i, v in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise Wrong(f"{path}: no object")
        facets = isinstance(args[1], type) and issubclass(args[1], base.BaseFacet)
        return {k: facet(k, args[1], v, f"{path}.{k}") if facets else cast(args[1], v, f"{path}.{k}") for k, v in value.items()}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        try:
            return hint(value)
        except ValueError as e:
            raise Wrong(f"{path}: {e}") from e
    if isinstance(hint, type) and attr.has(hint):
        return build(hint, value, path)
    wanted = (int, float) if hint is float else hint
    if not isinstance(value, wanted) or isinstance(value, bool) and hint is not bool:
        raise Wrong(f"{path}: {value!r:.60} is no {hint.__name__}")
    return value


seen: collections.Counter[str] = collections.Counter()


def facet(key: str, place: type, data: dict[str, object], path: str) -> object:
    """A facet by the class that its _schemaURL names."""
    url = str(data.get("_schemaURL"))
    cls = FACETS.get(url.rsplit("/", 1)[-1])
    if cls is None or not issubclass(cls, place):
        raise Wrong(f"{path}: the client has no {place.__name__} {url}")
    seen[key] += 1
    if key in CUSTOM:
        own = {k: v for k, v in data.items() if not k.startswith("_")}
        return place(producer=data["_producer"]).with_additional_properties(**own)
    if cls is place:
        raise Wrong(f"{path}: a facet of nobody's")
    if major(url) != major(cls._get_schema()):
        raise Wrong(f"{path}: {url}, the client writes {cls._get_schema()}")
    return build(cls, data, path)


def major(url: str) -> str:
    return url.split("/facets/")[-1].split("-")[0]


def plain(value: object) -> object:
    """Without what the client writes though it is empty, or leaves out as empty, and without the versions of schemas."""
    if isinstance(value, dict):
        return {k: w for k, v in value.items() if k not in ("_schemaURL", "schemaURL") and (w := plain(v)) not in (None, {}, [])}
    if isinstance(value, list):
        return [w for v in value if (w := plain(v)) not in (None, {}, [])]
    return value


def main() -> None:
    events, problems = 0, collections.Counter()
    for line in sys.stdin:
        data = json.loads(line)
        events += 1
        try:
            event = build(event_v2.RunEvent, data, "event")
            if plain(json.loads(Serde.to_json(event))) != plain(data):
                raise Wrong("event: the client writes it otherwise")
        except Wrong as e:
            problems[str(e)] += 1
    json.dump({"events": events, "facets": seen, "problems": [f"{p} ({n} times)" for p, n in problems.most_common(20)]}, sys.stdout)


main()
