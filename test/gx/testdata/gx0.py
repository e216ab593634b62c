"""A checkpoint of Great Expectations 0.18: stored as YAML, loaded again by a second context, and run."""

import great_expectations as gx
from great_expectations.core import ExpectationConfiguration
from shop import ACTION, CUSTOMERS, DATABASE, DIR, ORDERS, make, tell


def suite(context, name, wanted):
    made = context.add_expectation_suite(name)
    made.add_expectation_configurations([ExpectationConfiguration(expectation_type=k, kwargs=v) for k, v in wanted])
    context.update_expectation_suite(made)
    return name


make()
context = gx.get_context(project_root_dir=DIR)
orders = context.sources.add_sqlite("shop", connection_string=f"sqlite:///{DATABASE}").add_table_asset("orders", table_name="orders")
customers = context.sources.add_pandas_filesystem("files", base_directory=DIR).add_csv_asset("customers", batching_regex="customers.csv")
action = {"module_name": "gx_ol_great_expectations", "class_name": "GxOlValidationAction"}
action.update(ACTION)
context.add_checkpoint(
    name="nightly",
    validations=[
        {"batch_request": orders.build_batch_request(), "expectation_suite_name": suite(context, "orders_suite", ORDERS)},
        {"batch_request": customers.build_batch_request(), "expectation_suite_name": suite(context, "customers_suite", CUSTOMERS)},
    ],
    action_list=[
        {"name": "store", "action": {"class_name": "StoreValidationResultAction"}},
        {"name": "gx_ol", "action": action},
    ],
)

checkpoint = gx.get_context(project_root_dir=DIR).get_checkpoint("nightly")
tell(checkpoint.run(), next(DIR.glob("g*/checkpoints/nightly.yml")).read_text(encoding="utf-8"))
