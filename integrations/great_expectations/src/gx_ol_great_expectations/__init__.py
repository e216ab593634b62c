"""A Great Expectations checkpoint action that publishes each validation result for gx-ol.

``GxOlValidationAction`` is the action for whichever Great Expectations is installed: 0.15 - 0.18, or 1.x from 1.2.6 on.
It is looked up when it is first used, so that importing this package imports no Great Expectations, and never the code for
the other generation.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .gx1 import GxOlValidationAction

__all__ = ["GxOlValidationAction", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name != "GxOlValidationAction":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import great_expectations

    if str(great_expectations.__version__).startswith("0."):
        from . import gx0 as generation
    else:
        from . import gx1 as generation  # type: ignore[no-redef]
    return generation.GxOlValidationAction
