"""One run of the action: every result to its destination, and one warning for what did not arrive."""

import logging
from collections import Counter
from typing import Any, Dict, Iterable, List, Mapping, Optional, Protocol, Sequence

from .message import Message, message_of
from .settings import Settings, SettingsError, environment

logger = logging.getLogger("gx_ol_great_expectations")

# A reason is for a line of a log.
_MAX_REASON = 400


class Sender(Protocol):
    """A destination, for one run of the action."""

    where: str

    def send(self, messages: Sequence[Message]) -> List[Optional[str]]:
        """For each message why it was not delivered, or None. It raises nothing on purpose, and takes no longer than its timeout."""


def publish(settings: Settings, results: Iterable[Any], ignored: Sequence[str] = ()) -> Dict[str, Any]:
    """Sends each result and gives the action's result. It never raises: a checkpoint does not fail because of its lineage.

    Whatever went wrong is one warning in the log ``gx_ol_great_expectations``. A warning of the module ``warnings`` would not do: a filter
    can turn it into an exception."""
    try:
        return _publish(settings, list(results), ignored, environment())
    except Exception as problem:  # our own mistake; its text may hold anything, its type does not
        _warn("validation results were not published: %s", type(problem).__name__)
        return {"published": 0, "undelivered": None}


def _publish(settings: Settings, results: List[Any], ignored: Sequence[str], env: Mapping[str, str]) -> Dict[str, Any]:
    faults: List[str] = []
    if ignored:
        faults.append("unknown parameters are ignored: " + ", ".join(sorted(map(str, ignored))))
    if settings.silent(env) or not results:
        if faults:
            _warn("%s", faults[0])
        return {"published": 0, "undelivered": 0}
    where = ""
    try:
        headers = settings.headers(env)
        sender = _sender(settings, env)
        where = " to " + sender.where
        reasons = sender.send([message_of(result, headers) for result in results])
    except SettingsError as problem:
        reasons = [str(problem)] * len(results)
    except Exception as problem:
        reasons = [f"{type(problem).__name__} while publishing"] * len(results)
    lost = Counter(reason for reason in reasons if reason is not None)
    undelivered = sum(lost.values())
    if undelivered:
        why = "; ".join(reason[:_MAX_REASON] for reason, _ in lost.most_common(3))
        faults.insert(0, f"{undelivered} of {len(results)} validation results were not published{where}: {why}")
    if faults:
        _warn("%s", "; ".join(faults))
    return {"published": len(results) - undelivered, "undelivered": undelivered}


def _sender(settings: Settings, env: Mapping[str, str]) -> Sender:
    timeout = settings.resolved_timeout()
    if settings.destination(env) == "http":
        from .http import HttpSender

        return HttpSender(settings.url(env), settings.token(env), timeout)
    from .kafka import KafkaSender

    return KafkaSender(settings.resolved_topic(env), settings.properties(env), timeout)


def _warn(text: str, *args: Any) -> None:
    try:
        logger.warning(text, *args)
    except Exception:  # a log handler of the user's
        pass
