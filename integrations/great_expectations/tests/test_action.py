"""The action beside its settings: the two lists of parameters are one promise."""

import great_expectations

from gx_ol_great_expectations import GxOlValidationAction
from gx_ol_great_expectations.settings import NAMES, Settings

OLD = str(great_expectations.__version__).startswith("0.")


def test_the_action_has_the_parameters_of_the_settings_with_their_defaults():
    if OLD:
        action = GxOlValidationAction(None, **{name: None for name in NAMES})
        assert action._settings == Settings()
        assert action._ignored == []
        return
    assert set(GxOlValidationAction.__fields__) - {"type", "name"} == set(NAMES)  # what a stored checkpoint keeps
    action, settings = GxOlValidationAction(), Settings()
    assert {name: getattr(action, name) for name in NAMES} == {name: getattr(settings, name) for name in NAMES}
