"""What the Kafka client is told, and what is said when it fails. No broker: nothing listens on the port."""

import logging
import socket
import sys
import time

import pytest

from gx_ol_great_expectations import publisher
from gx_ol_great_expectations.settings import Settings


class Result:
    def to_json_dict(self):
        return {"success": True, "meta": {}}


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % s.getsockname()[1]


def one_warning(caplog):
    found = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(found) == 1
    return found[0]


def test_a_missing_client_says_what_to_install(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    publisher.publish(Settings(topic="t", kafka={"bootstrap.servers": "h:1"}), [Result()])
    assert 'pip install "gx-ol-great-expectations[kafka]"' in one_warning(caplog)


def test_no_broker_is_one_warning_within_the_timeout(caplog, capfd):
    pytest.importorskip("confluent_kafka")
    address = free_address()
    began = time.monotonic()
    got = publisher.publish(Settings(topic="gx.results", kafka={"bootstrap.servers": address}, timeout=2), [Result(), Result()])
    assert time.monotonic() - began < 60
    assert got == {"published": 0, "undelivered": 2}
    text = one_warning(caplog)
    assert text.startswith(f"2 of 2 validation results were not published to topic gx.results of {address}: ")
    assert "refused" in text
    assert capfd.readouterr().err == ""  # librdkafka's own lines


@pytest.mark.parametrize(
    ("name", "value"), [("sasl.mechanism", "s3cret"), ("no.such.property", "s3cret"), ("ssl.ca.pem", "s3cret"), ("acks", object())]
)
def test_refused_properties_are_told_without_their_values(caplog, name, value):
    pytest.importorskip("confluent_kafka")
    properties = {"bootstrap.servers": "127.0.0.1:9", "security.protocol": "SASL_SSL", name: value}
    publisher.publish(Settings(topic="t", kafka=properties, timeout=2), [Result()])
    text = one_warning(caplog)
    assert "the Kafka client refuses" in text and "s3cret" not in text
