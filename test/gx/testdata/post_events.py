"""Posts the START and the COMPLETE of a run through OpenLineage's own client, as its configuration says."""

import sys
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Dataset, DatasetEvent, InputDataset, Job, JobEvent, Run, RunEvent, RunState
from openlineage.client.facet_v2 import parent_run, schema_dataset
from openlineage.client.uuid import generate_new_uuid

PRODUCER = "https://github.com/gx-ol/gx-ol/tree/main/test/gx"

url, token, compression = sys.argv[1:4]
client = OpenLineageClient(config={"transport": {
    "type": "http", "url": url, "auth": {"type": "api_key", "apiKey": token}, **({"compression": "gzip"} if compression == "gzip" else {})}})
now = lambda: datetime.now(timezone.utc).isoformat()  # noqa: E731
run = Run(runId=str(generate_new_uuid()), facets={"parent": parent_run.ParentRunFacet(
    run=parent_run.Run(runId=str(generate_new_uuid())), job=parent_run.Job(namespace="airflow", name="nightly"))})
job = Job(namespace="etl", name="load")
orders = InputDataset(namespace="postgres://db:5432", name="shop.public.orders", facets={
    "schema": schema_dataset.SchemaDatasetFacet(fields=[schema_dataset.SchemaDatasetFacetFields(name="id", type="int")])})
for state in (RunState.START, RunState.COMPLETE):
    client.emit(RunEvent(eventTime=now(), producer=PRODUCER, eventType=state, run=run, job=job, inputs=[orders], outputs=[]))
client.emit(JobEvent(eventTime=now(), producer=PRODUCER, job=job, inputs=[], outputs=[]))
client.emit(DatasetEvent(eventTime=now(), producer=PRODUCER, dataset=Dataset(namespace="postgres://db:5432", name="shop.public.orders")))
client.close()
