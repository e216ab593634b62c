"""Results to an HTTP address: one POST each."""

import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, List, Optional, Sequence

from .message import Message
from .settings import SettingsError

_ATTEMPTS = 3
_PAUSE = 0.5  # seconds, doubled after each attempt
# The statuses after which the same request may succeed.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib would follow with a GET, which loses the body and looks like success, and would take the token along."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class HttpSender:
    """One POST a message, in order. A passing fault is tried again; ``timeout`` bounds the whole of it."""

    def __init__(self, url: str, token: Optional[str], timeout: float) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.username or parts.password:
            raise SettingsError("http_url holds a user name or password: use http_token")
        self.where = urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))  # a query may be a secret
        self._url = url
        self._token = token
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def send(self, messages: Sequence[Message]) -> List[Optional[str]]:
        """For each message why it was not delivered, or None."""
        deadline = time.monotonic() + self._timeout
        return [self._deliver(message, deadline) for message in messages]

    def _deliver(self, message: Message, deadline: float) -> Optional[str]:
        pause = _PAUSE
        reason: Optional[str] = f"no answer within {self._timeout:g} s"
        for attempt in range(_ATTEMPTS):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            reason, passing = self._post(message, left)
            if reason is None or not passing or attempt == _ATTEMPTS - 1:
                break
            time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
            pause *= 2
        return reason

    def _post(self, message: Message, left: float) -> "tuple[Optional[str], bool]":
        # The timeout of a socket is that of each piece: an answer that comes in drops would never end. So a thread waits for it.
        outcome: List["tuple[Optional[str], bool]"] = []
        worker = threading.Thread(target=lambda: outcome.append(self._answer(message, left)), daemon=True)
        worker.start()
        worker.join(left)
        return outcome[0] if outcome else (f"no answer within {self._timeout:g} s", False)

    def _answer(self, message: Message, left: float) -> "tuple[Optional[str], bool]":
        try:
            with self._opener.open(self._request(message), timeout=left):
                return None, False  # the status says it; nothing of the body is needed
        except urllib.error.HTTPError as problem:
            with problem:  # the body is not read: it may quote the message
                return f"HTTP status {problem.code}", problem.code in _PASSING
        except urllib.error.URLError as problem:
            return _network(problem.reason), True
        except OSError as problem:
            return _network(problem), True
        except Exception as problem:
            return type(problem).__name__, False

    def _request(self, message: Message) -> urllib.request.Request:
        headers = {"Content-Type": "application/json", "User-Agent": "gx-ol-great-expectations"}
        for name, value in message.headers.items():
            # HTTP headers are Latin-1 without line breaks; gx-ol's names may be anything else, so they are sent as percent escapes then.
            headers[name] = value if value.isascii() and value.isprintable() else urllib.parse.quote(value)
        if self._token:
            headers["Authorization"] = "Bearer " + self._token
        return urllib.request.Request(self._url, data=message.value, headers=headers, method="POST")


def _network(problem: Any) -> str:
    text = getattr(problem, "strerror", None)
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__
