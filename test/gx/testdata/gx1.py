"""A checkpoint of Great Expectations 1.x: stored, loaded again by a second context, and run."""

import great_expectations as gx
from shop import ACTION, CUSTOMERS, DATABASE, DIR, ORDERS, make, tell

from gx_ol_great_expectations import GxOlValidationAction


def expectation(kind, kwargs):
    return getattr(gx.expectations, "".join(word.title() for word in kind.split("_")))(**kwargs)


def validation(context, name, batch_definition, wanted):
    suite = context.suites.add(gx.ExpectationSuite(name=name + "_suite", expectations=[expectation(*w) for w in wanted]))
    return context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch_definition, suite=suite))


make()
context = gx.get_context(mode="file", project_root_dir=DIR)
orders = context.data_sources.add_sqlite("shop", connection_string=f"sqlite:///{DATABASE}").add_table_asset("orders", table_name="orders")
customers = context.data_sources.add_pandas_filesystem("files", base_directory=DIR).add_csv_asset("customers")
context.checkpoints.add(
    gx.Checkpoint(
        name="nightly",
        validation_definitions=[
            validation(context, "orders", orders.add_batch_definition_whole_table("all"), ORDERS),
            validation(context, "customers", customers.add_batch_definition_path("all", path="customers.csv"), CUSTOMERS),
        ],
        actions=[GxOlValidationAction(**ACTION)],
    )
)

checkpoint = gx.get_context(mode="file", project_root_dir=DIR).checkpoints.get("nightly")
assert isinstance(checkpoint.actions[0], GxOlValidationAction), checkpoint.actions
tell(checkpoint.run(), next((DIR / "gx" / "checkpoints").glob("nightly*")).read_text(encoding="utf-8"))
