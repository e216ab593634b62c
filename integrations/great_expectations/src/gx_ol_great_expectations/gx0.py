"""The action for Great Expectations 0.15 - 0.18."""

from typing import Any, Dict, Optional

from great_expectations.checkpoint.actions import ValidationAction

from .publisher import publish
from .settings import NAMES, Settings


class GxOlValidationAction(ValidationAction):
    """Publishes each validation result to Kafka or to an HTTP address. Its parameters are those of ``Settings``, described in README.md.

    It holds its parameters only, no client: Great Expectations copies actions."""

    def __init__(self, data_context: Any, name: Optional[str] = None, **parameters: Any) -> None:
        try:
            super().__init__(data_context, name)  # from 0.18 on
        except TypeError:
            super().__init__(data_context)
        # Unknown ones must not raise: Great Expectations would print every parameter, passwords too, and end the checkpoint.
        self._settings = Settings(**{k: v for k, v in parameters.items() if k in NAMES and v is not None})
        self._ignored = [k for k in parameters if k not in NAMES]

    def _run(self, validation_result_suite: Any, *_: Any, **__: Any) -> Dict[str, Any]:
        return publish(self._settings, [validation_result_suite], self._ignored)
