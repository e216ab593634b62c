"""The action for Great Expectations 1.x, from 1.2.6 on."""

from typing import Any, Dict, Literal, Optional

import great_expectations
from great_expectations.checkpoint import actions

from .publisher import publish
from .settings import NAMES, Settings

if not hasattr(actions, "ValidationActionRegistry"):
    raise ImportError(
        f"Great Expectations {great_expectations.__version__} takes no actions but its own: "
        "gx-ol-great-expectations needs 0.15 - 0.18, or 1.2.6 and later"
    )


class GxOlValidationAction(actions.ValidationAction):
    """Publishes each validation result to Kafka or to an HTTP address. Its parameters are those of ``Settings``, described in README.md.

    The fields are what a stored checkpoint keeps. There is no client among them: it is made for each run."""

    type: Literal["gx_ol"] = "gx_ol"
    name: str = "gx_ol"

    topic: Optional[str] = None
    kafka: Dict[str, Any] = {}
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

    def run(self, checkpoint_result: Any, action_context: Any = None) -> Dict[str, Any]:
        """Called by the checkpoint, once, after all its validations."""
        settings = Settings(**{name: getattr(self, name) for name in NAMES})
        return publish(settings, checkpoint_result.run_results.values())
