"""Results to a Kafka topic, with confluent-kafka (the extra ``kafka``)."""

import logging
import re
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .message import Message
from .settings import SettingsError

# What librdkafka says by itself goes here at DEBUG: a broker that is away would else fill stderr beside the one warning.
_library = logging.getLogger("gx_ol_great_expectations.kafka")

_DEFAULTS: Dict[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,  # a retry neither repeats nor reorders
    "compression.type": "gzip",  # results are repetitive; read by every client
    "message.max.bytes": 32 * 1024 * 1024,  # the broker knows best: librdkafka's own limit is 1 MB before compression
    "partitioner": "murmur2_random",  # as Java clients do, so that other producers' messages of a key meet ours
    "client.id": "gx-ol-great-expectations",
}
_SECRET = re.compile(r"password|secret|token|jaas|key\.pem|oauthbearer\.config", re.IGNORECASE)


class KafkaSender:
    """Produces the messages of one run, waits for the brokers' answers, and leaves nothing behind."""

    def __init__(self, topic: str, properties: Mapping[str, Any], timeout: float) -> None:
        self.where = f"topic {topic} of {_without_users(str(properties['bootstrap.servers']))}"
        self._topic = topic
        self._timeout = timeout
        self._properties = {**_DEFAULTS, "message.timeout.ms": int(timeout * 1000), **properties}
        self._secrets = [str(v) for k, v in properties.items() if _SECRET.search(k) and v]
        self._last_error = ""

    def send(self, messages: Sequence[Message]) -> List[Optional[str]]:
        """For each message why it was not delivered, or None."""
        try:
            import confluent_kafka
        except ImportError:
            raise SettingsError('the Kafka client is missing: pip install "gx-ol-great-expectations[kafka]"') from None
        producer = self._producer(confluent_kafka)
        # Until its report comes, a message is not delivered.
        reasons: List[Optional[str]] = [f"no acknowledgement within {self._timeout:g} s"] * len(messages)
        answered = [False] * len(messages)

        def reported(index: int) -> Any:
            def report(error: Any, _: Any) -> None:
                answered[index] = True
                reasons[index] = None if error is None else self._clean(error.str())

            return report

        deadline = time.monotonic() + self._timeout
        for index, message in enumerate(messages):
            try:
                producer.produce(
                    self._topic,
                    value=message.value,
                    key=message.key,
                    headers=list(message.headers.items()),
                    on_delivery=reported(index),
                )
            except (confluent_kafka.KafkaException, BufferError) as problem:  # larger than allowed, or no room
                answered[index] = True
                reasons[index] = self._clean(_text(problem))
            producer.poll(0)
        # A second longer than the messages themselves have, for the reports of those that timed out.
        if producer.flush(max(0.0, deadline - time.monotonic()) + 1.0):
            producer.purge()  # or the client would go on trying behind our back
            producer.flush(1.0)
        return [self._with_cause(reason) for reason in reasons]

    def _producer(self, confluent_kafka: Any) -> Any:
        def failed(error: Any) -> None:
            # "All brokers are down" follows each error, and says less.
            if error.code() != confluent_kafka.KafkaError._ALL_BROKERS_DOWN or not self._last_error:
                self._last_error = self._clean(error.str())

        try:
            return confluent_kafka.Producer({**self._properties, "error_cb": failed}, logger=_quiet())
        except confluent_kafka.KafkaException as problem:
            # librdkafka quotes the value; the property's name is enough.
            named = re.search(r'property[: ]+"([\w.]+)"', _text(problem))
            raise SettingsError("the Kafka client refuses " + (f"the property {named.group(1)}" if named else "its properties")) from None
        except (TypeError, ValueError):
            raise SettingsError("the Kafka client refuses its properties") from None

    def _with_cause(self, reason: Optional[str]) -> Optional[str]:
        if reason is None or not self._last_error:
            return reason
        return f"{reason} ({self._last_error})"

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _quiet() -> logging.Logger:
    """A logger for librdkafka that turns whatever it says into DEBUG."""

    class _Debug(logging.Logger):
        def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
            _library.debug(msg, *args)

    return _Debug("librdkafka")


def _text(problem: BaseException) -> str:
    first = problem.args[0] if problem.args else ""
    return str(first.str() if hasattr(first, "str") else first) or type(problem).__name__


def _without_users(servers: str) -> str:
    return ",".join(part.rpartition("@")[2] for part in servers.split(","))
