"""The action's parameters, and what the environment adds to them."""

import os
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class SettingsError(Exception):
    """A parameter cannot be used. Its text is for the user, and holds no value of a parameter."""


@dataclass
class Settings:
    """Parameters as the user wrote them: ``${VAR}`` in a value is looked up when the action runs, so that a stored checkpoint holds no secret."""

    topic: Optional[str] = None
    kafka: Dict[str, Any] = field(default_factory=dict)
    http_url: Optional[str] = None
    http_token: Optional[str] = None
    timeout: float = 30.0
    job_name: Optional[str] = None
    openlineage_namespace: Optional[str] = None
    openlineage_parent_id: Optional[str] = None
    openlineage_parent_run_id: Optional[str] = None
    openlineage_parent_job_namespace: Optional[str] = None
    openlineage_parent_job_name: Optional[str] = None
    openlineage_root_parent_run_id: Optional[str] = None
    openlineage_root_parent_job_namespace: Optional[str] = None
    openlineage_root_parent_job_name: Optional[str] = None
    do_publish: bool = True

    def headers(self, env: Mapping[str, str]) -> Dict[str, str]:
        """What gx-ol reads beside the result: the job, and the run that started the checkpoint."""
        found = {
            "openlineage-job-namespace": self.openlineage_namespace or env.get("OPENLINEAGE_NAMESPACE"),
            "openlineage-job-name": self.job_name,
            "openlineage-parent-id": self.openlineage_parent_id,
            "openlineage-parent-run-id": self.openlineage_parent_run_id,
            "openlineage-parent-job-namespace": self.openlineage_parent_job_namespace,
            "openlineage-parent-job-name": self.openlineage_parent_job_name,
            "openlineage-root-parent-run-id": self.openlineage_root_parent_run_id,
            "openlineage-root-parent-job-namespace": self.openlineage_root_parent_job_namespace,
            "openlineage-root-parent-job-name": self.openlineage_root_parent_job_name,
        }
        if not (self.openlineage_parent_id or self.openlineage_parent_run_id):
            found["openlineage-parent-id"] = env.get("OPENLINEAGE_PARENT_ID")  # set by Airflow and others around a task
            if not self.openlineage_root_parent_run_id:
                found["openlineage-root-parent-id"] = env.get("OPENLINEAGE_ROOT_PARENT_ID")
        out = {name: expand(value, env, name) for name, value in found.items() if value}
        context = env.get("OPENLINEAGE_CONTEXT")  # newer than the other two, which stay for what is broken in it
        if context and not (self.openlineage_parent_id or self.openlineage_parent_run_id):
            out["openlineage-context"] = " ".join(context.split())  # JSON in one line, as headers of HTTP must be
        return out

    def silent(self, env: Mapping[str, str]) -> bool:
        """Nothing is to be sent."""
        return not self.do_publish or env.get("OPENLINEAGE_DISABLED", "").strip().lower() in ("true", "1")

    def resolved_timeout(self) -> float:
        """Seconds that the action may take, for all its messages together."""
        try:
            seconds = float(self.timeout)
        except (TypeError, ValueError):
            raise SettingsError("timeout is no number of seconds") from None
        if not 0 < seconds <= 3600:
            raise SettingsError("timeout is not between 0 and 3600 seconds")
        return seconds

    def destination(self, env: Mapping[str, str]) -> str:
        """``kafka`` or ``http``. A parameter wins over the environment."""
        for topic, url in ((self.topic, self.http_url), (env.get("GX_OL_TOPIC"), env.get("GX_OL_HTTP_URL"))):
            if topic and url:
                raise SettingsError("both a topic and an HTTP address are set: name one")
            if topic or url:
                return "kafka" if topic else "http"
        raise SettingsError("no destination: set topic (or GX_OL_TOPIC), or http_url (or GX_OL_HTTP_URL)")

    def resolved_topic(self, env: Mapping[str, str]) -> str:
        """The topic's name."""
        return expand(self.topic or env.get("GX_OL_TOPIC", ""), env, "topic")

    def properties(self, env: Mapping[str, str]) -> Dict[str, Any]:
        """The Kafka client's properties, bootstrap.servers among them."""
        out = {
            name: expand(value, env, f"kafka property {name}") if isinstance(value, str) else value for name, value in self.kafka.items()
        }
        if not out.get("bootstrap.servers"):
            out["bootstrap.servers"] = env.get("GX_OL_BOOTSTRAP_SERVERS", "")
        if not out["bootstrap.servers"]:
            raise SettingsError("no brokers: set kafka={'bootstrap.servers': ...}, or GX_OL_BOOTSTRAP_SERVERS")
        return out

    def url(self, env: Mapping[str, str]) -> str:
        """The HTTP address."""
        url = expand(self.http_url or env.get("GX_OL_HTTP_URL", ""), env, "http_url")
        if not url.startswith(("http://", "https://")):
            raise SettingsError("http_url does not begin with http:// or https://")
        return url

    def token(self, env: Mapping[str, str]) -> Optional[str]:
        """The bearer token, if any."""
        token = self.http_token or env.get("GX_OL_HTTP_TOKEN")
        return expand(token, env, "http_token") if token else None


NAMES = tuple(Settings.__dataclass_fields__)


def expand(value: Any, env: Mapping[str, str], what: str) -> str:
    """``value`` with its ``${VAR}`` replaced. A variable that is not set is an error, or an empty password would be tried."""

    def look_up(match: "re.Match[str]") -> str:
        found = env.get(match.group(1))
        if found is None:
            raise SettingsError(f"{what}: the environment variable {match.group(1)} is not set")
        return found

    return _VARIABLE.sub(look_up, str(value))


def environment() -> Mapping[str, str]:
    """The process's own environment."""
    return os.environ
