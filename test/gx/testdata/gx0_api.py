"""A checkpoint of Great Expectations 0.18 with its own APINotificationAction, which posts each validation result."""

import contextlib

import great_expectations as gx
from shop import ACTION, CUSTOMERS, DIR, make

make()
context = gx.get_context(project_root_dir=DIR)
suite = context.add_expectation_suite("customers_suite")
suite.add_expectation_configurations(
    [gx.core.ExpectationConfiguration(expectation_type=k, kwargs=v) for k, v in CUSTOMERS])
context.update_expectation_suite(suite)
asset = context.sources.add_pandas_filesystem("files", base_directory=DIR).add_csv_asset("customers", batching_regex="customers.csv")
checkpoint = context.add_checkpoint(
    name="nightly",
    validations=[{"batch_request": asset.build_batch_request(), "expectation_suite_name": "customers_suite"}],
    action_list=[{"name": "send", "action": {"module_name": "great_expectations.checkpoint.actions", "class_name": "APINotificationAction", **ACTION}}],
)
with contextlib.suppress(TypeError):  # the action posts, and then the release trips over what it returned
    checkpoint.run()
