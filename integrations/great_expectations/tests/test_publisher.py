"""Where results go, what goes with them, and the one warning. Nothing here needs Great Expectations or a broker."""

import http.server
import json
import logging
import socket
import threading
import time

import pytest

from gx_ol_great_expectations import publisher
from gx_ol_great_expectations.settings import Settings, SettingsError, expand


class Result:
    def to_json_dict(self):
        return {"success": True, "meta": {"active_batch_definition": {"datasource_name": "shop", "data_asset_name": "orders"}}}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("GX_OL_TOPIC", "GX_OL_HTTP_URL", "GX_OL_HTTP_TOKEN", "GX_OL_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OPENLINEAGE_NAMESPACE", "OPENLINEAGE_CONTEXT", "OPENLINEAGE_PARENT_ID", "OPENLINEAGE_ROOT_PARENT_ID", "OPENLINEAGE_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("gx_ol_great_expectations.http._PAUSE", 0.01)


@pytest.fixture
def receiver():
    """An HTTP server that answers with the statuses it is given, then 200, and keeps what came."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((dict(self.headers), json.loads(body)))
            self.send_response(server.statuses.pop(0) if server.statuses else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.statuses = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def url_of(server):
    return f"http://127.0.0.1:{server.server_address[1]}/results"


def one_warning(caplog):
    found = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(found) == 1
    return found[0]


def test_http_carries_result_job_parent_and_token(receiver, caplog):
    settings = Settings(
        http_url=url_of(receiver), http_token="s3cret", job_name="nightly", openlineage_namespace="größe", openlineage_parent_id="a/b/c"
    )
    assert publisher.publish(settings, [Result(), Result()]) == {"published": 2, "undelivered": 0}
    headers, body = receiver.got[0]
    assert len(receiver.got) == 2 and body["success"] is True
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer s3cret"
    lower = {k.lower(): v for k, v in headers.items()}
    assert lower["openlineage-job-name"] == "nightly"
    assert lower["openlineage-job-namespace"] == "gr%C3%B6%C3%9Fe"
    assert lower["openlineage-parent-id"] == "a/b/c"
    assert not caplog.records


@pytest.mark.parametrize(
    ("statuses", "attempts", "says"),
    [
        ([503, 503], 3, None),
        ([429], 2, None),
        ([500, 500, 500], 3, "HTTP status 500"),
        ([400], 1, "HTTP status 400"),
        ([302], 1, "HTTP status 302"),  # a redirect would be followed without the body
        ([401], 1, "HTTP status 401"),
    ],
)
def test_http_statuses(receiver, caplog, statuses, attempts, says):
    receiver.statuses = list(statuses)
    publisher.publish(Settings(http_url=url_of(receiver) + "?key=s3cret"), [Result()])
    assert len(receiver.got) == attempts
    if says is None:
        assert not caplog.records
    else:
        text = one_warning(caplog)
        assert says in text and "1 of 1" in text and "s3cret" not in text


def test_an_answer_in_drops_ends_with_the_timeout(caplog):
    # Each drop is in time for the socket; only the whole is too late.
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip():
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 200 OK\r\nX-Drops: ")
            while not over.wait(0.05):
                peer.sendall(b".")

    server = threading.Thread(target=drip, daemon=True)
    server.start()
    began = time.monotonic()
    got = publisher.publish(Settings(http_url="http://127.0.0.1:%d" % listener.getsockname()[1], timeout=0.5), [Result()])
    took = time.monotonic() - began
    over.set()
    server.join()
    listener.close()
    assert got == {"published": 0, "undelivered": 1} and took < 60
    assert "no answer within 0.5 s" in one_warning(caplog)


def test_nobody_listens_is_one_warning(receiver, caplog):
    url = url_of(receiver)
    receiver.server_close()
    got = publisher.publish(Settings(http_url=url, timeout=5), [Result(), Result()])
    assert got == {"published": 0, "undelivered": 2}
    assert "2 of 2 validation results were not published to " + url in one_warning(caplog)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(), "no destination"),
        (Settings(topic="t"), "no brokers"),
        (Settings(topic="t", http_url="http://h"), "name one"),
        (Settings(http_url="ftp://h"), "http://"),
        (Settings(http_url="http://user:s3cret@h/"), "use http_token"),
        (Settings(http_url="http://h", timeout=0), "timeout"),
        (Settings(http_url="http://h", http_token="${GX_OL_TEST_UNSET}"), "GX_OL_TEST_UNSET is not set"),
    ],
)
def test_wrong_settings_are_one_warning_and_no_exception(caplog, settings, says):
    assert publisher.publish(settings, [Result()])["undelivered"] == 1
    text = one_warning(caplog)
    assert says in text and "s3cret" not in text


def test_a_parameter_wins_over_the_environment():
    env = {"GX_OL_TOPIC": "t"}
    assert Settings(http_url="http://h").destination(env) == "http"
    assert Settings().destination(env) == "kafka"
    with pytest.raises(SettingsError):
        Settings().destination({"GX_OL_TOPIC": "t", "GX_OL_HTTP_URL": "http://h"})


def test_headers_come_from_parameters_then_from_the_environment():
    env = {"OPENLINEAGE_NAMESPACE": "prod", "OPENLINEAGE_PARENT_ID": "air/flow/1", "RUN": "42"}
    assert Settings().headers(env) == {"openlineage-job-namespace": "prod", "openlineage-parent-id": "air/flow/1"}
    assert Settings(openlineage_namespace="x", openlineage_parent_run_id="${RUN}").headers(env) == {
        "openlineage-job-namespace": "x",
        "openlineage-parent-run-id": "42",
    }


def test_the_context_of_openlineage_goes_with_the_result_unless_a_parameter_names_the_parent():
    context = '{"parent":\n {"run": {"runId": "${X}"},\n  "job": {}}}'
    env = {"OPENLINEAGE_CONTEXT": context, "OPENLINEAGE_PARENT_ID": "air/flow/1", "OPENLINEAGE_ROOT_PARENT_ID": "air/root/2"}
    assert Settings().headers(env) == {
        "openlineage-context": '{"parent": {"run": {"runId": "${X}"}, "job": {}}}',
        "openlineage-parent-id": "air/flow/1",
        "openlineage-root-parent-id": "air/root/2",
    }
    assert Settings(openlineage_parent_id="a/b/c").headers(env) == {"openlineage-parent-id": "a/b/c"}


def test_variables_are_replaced_everywhere_or_refused():
    env = {"A": "1", "PW": "a$b"}
    assert expand("${A}-${PW}", env, "x") == "1-a$b"
    assert Settings(kafka={"bootstrap.servers": "h:${A}", "sasl.password": "${PW}", "acks": 1}).properties(env) == {
        "bootstrap.servers": "h:1",
        "sasl.password": "a$b",
        "acks": 1,
    }


@pytest.mark.parametrize("settings", [Settings(do_publish=False), Settings(http_url="nonsense", do_publish=False)])
def test_do_publish_false_says_nothing(caplog, settings):
    assert publisher.publish(settings, [Result()]) == {"published": 0, "undelivered": 0}
    assert not caplog.records


def test_unknown_parameters_are_named_without_their_values(receiver, caplog):
    publisher.publish(Settings(http_url=url_of(receiver)), [Result()], ignored=["openlineage_host"])
    assert one_warning(caplog) == "unknown parameters are ignored: openlineage_host"
    assert len(receiver.got) == 1


def test_our_own_mistake_does_not_reach_the_checkpoint(monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("ROWVALUE")

    monkeypatch.setattr(publisher, "message_of", broken)
    assert publisher.publish(Settings(http_url="http://127.0.0.1:9"), [Result()])["published"] == 0
    text = one_warning(caplog)
    assert "RuntimeError" in text and "ROWVALUE" not in text
