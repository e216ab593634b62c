package naming

import "testing"

// A row for each entry of OpenLineage's naming table (spec/naming), in its order: what an operator or a connection
// string says of the store, and what the standard calls a table there.
func TestEveryStoreOfTheNamingTable(t *testing.T) {
	for _, c := range []struct {
		store     string
		ds        Datasource
		schema    string // of the result
		table     string
		namespace string
		name      string
	}{
		{"Athena", Datasource{Namespace: "awsathena://athena.eu-west-1.amazonaws.com", Schema: "sales"}, "", "orders", "awsathena://athena.eu-west-1.amazonaws.com", "AwsDataCatalog.sales.orders"},
		{"AWS Glue", Datasource{Namespace: "arn:aws:glue:eu-west-1:123456789012", Database: "sales"}, "", "orders", "arn:aws:glue:eu-west-1:123456789012", "table/sales/orders"},
		{"Azure Cosmos DB", Datasource{Namespace: "azurecosmos://acc.documents.azure.com/dbs/shop"}, "", "orders", "azurecosmos://acc.documents.azure.com/dbs/shop", "colls/orders"},
		{"Azure Data Explorer", Datasource{Namespace: "azurekusto://help.kusto.windows.net", Database: "shop"}, "", "orders", "azurekusto://help.kusto.windows.net", "shop/orders"},
		{"Azure Synapse", Datasource{Namespace: "sqlserver://ws.sql.azuresynapse.net", Database: "pool"}, "sales", "orders", "sqlserver://ws.sql.azuresynapse.net:1433", "sales.orders"},
		{"BigQuery", Datasource{Namespace: "bigquery://proj/sales"}, "", "orders", "bigquery", "proj.sales.orders"},
		{"BigQuery, qualified table", Datasource{Namespace: "bigquery", Database: "proj"}, "", "sales.orders", "bigquery", "proj.sales.orders"},
		{"BigQuery, old form", Datasource{Namespace: "bigquery"}, "", "proj:sales.orders", "bigquery", "proj.sales.orders"},
		{"Cassandra", Datasource{Namespace: "cassandra://h/shop"}, "", "orders", "cassandra://h:9042", "shop.orders"},
		{"Milvus", Datasource{Namespace: "milvus://h", Database: "shop"}, "", "orders", "milvus://h:19530", "shop.orders"},
		{"MS Fabric Warehouse", Datasource{Namespace: "fabric-warehouse://x.datawarehouse.fabric.microsoft.com", Database: "wh"}, "", "orders", "fabric-warehouse://x.datawarehouse.fabric.microsoft.com", "wh.dbo.orders"},
		{"MySQL", Datasource{Namespace: "mysql+pymysql://h/shop"}, "", "orders", "mysql://h:3306", "shop.orders"},
		{"MariaDB", Datasource{Namespace: "mariadb://h:3317", Database: "shop"}, "other", "orders", "mysql://h:3317", "other.orders"},
		{"CrateDB", Datasource{Namespace: "crate://h"}, "", "orders", "crate://h:4200", "crate.doc.orders"},
		{"DB2", Datasource{Namespace: "ibm_db_sa://h/SHOP"}, "SALES", "ORDERS", "db2://h:50000", "SHOP.SALES.ORDERS"},
		{"Hive", Datasource{Namespace: "hive://h"}, "", "orders", "hive://h:10000", "default.orders"},
		{"MSSQL", Datasource{Namespace: "mssql+pyodbc://h/shop?driver=ODBC+Driver+18"}, "", "orders", "mssql://h:1433", "shop.dbo.orders"},
		{"MSSQL, instance", Datasource{Namespace: "mssql://h:1444/inst", Database: "shop"}, "sales", "orders", "mssql://h:1444/inst", "shop.sales.orders"},
		{"OceanBase", Datasource{Namespace: "oceanbase://h", Database: "shop"}, "", "orders", "oceanbase://h:2881", "shop.orders"},
		{"Oracle", Datasource{Namespace: "oracle://h", Database: "svc.example.com"}, "SALES", "ORDERS", "oracle://h:1521", "svc.example.com.SALES.ORDERS"},
		{"Postgres", Datasource{Namespace: "postgresql://h", Database: "shop"}, "", "orders", "postgres://h:5432", "shop.public.orders"},
		{"Teradata", Datasource{Namespace: "teradatasql://h", Database: "shop"}, "", "orders", "teradata://h:1025", "shop.orders"},
		{"Redshift", Datasource{Namespace: "redshift+psycopg2://dw.c0ffee.eu-west-1.redshift.amazonaws.com:5439/shop"}, "", "orders", "redshift://dw.eu-west-1:5439", "shop.public.orders"},
		{"Snowflake, organisation", Datasource{Namespace: "snowflake://org-acc", Database: "SHOP"}, "SALES", "ORDERS", "snowflake://org-acc", "SHOP.SALES.ORDERS"},
		{"Snowflake, locator", Datasource{Namespace: "snowflake://xy1.fhplus.us-gov-west-1.aws/SHOP/SALES"}, "", "ORDERS", "snowflake://xy1.fhplus.us-gov-west-1.aws", "SHOP.SALES.ORDERS"},
		{"Spanner", Datasource{Namespace: "spanner://proj:inst", Database: "shop", Schema: "sales"}, "", "orders", "spanner://proj:inst", "shop.sales.orders"},
		{"Trino", Datasource{Namespace: "trino://h/cat/sales"}, "", "orders", "trino://h:443", "cat.sales.orders"},
		{"Unity Catalog", Datasource{Namespace: "unitycatalog://w.cloud.databricks.com", Database: "cat"}, "sales", "orders", "unitycatalog://w.cloud.databricks.com", "cat.sales.orders"},
		{"Kafka", Datasource{Namespace: "kafka://h:9092"}, "", "shop.orders", "kafka://h:9092", "shop.orders"},
		{"PubSub", Datasource{Namespace: "pubsub"}, "", "topic:proj:orders", "pubsub", "topic:proj:orders"},
		{"Box", Datasource{Namespace: "box://h:1/ent"}, "", "17", "box://h:1/ent", "17"},
		{"FileNet", Datasource{Namespace: "filenet://h:1/repo"}, "", "17", "filenet://h:1/repo", "17"},
		{"SharePoint", Datasource{Namespace: "mssharepoint://h:1/site"}, "", "17", "mssharepoint://h:1/site", "17"},

		// What the table leaves out, as OpenLineage's dbt and Java integrations name it.
		{"SQLite", Datasource{Namespace: "sqlite:////data/shop.db"}, "main", "orders", "sqlite:///data/shop.db", "orders"},
		{"DuckDB", Datasource{Namespace: "duckdb:///data/shop.db"}, "sales", "orders", "duckdb:///data/shop.db", "sales.orders"},
		{"ClickHouse", Datasource{Namespace: "clickhouse+native://h:9000/shop"}, "", "orders", "clickhouse://h:9000", "shop.orders"},
		{"Databricks without a catalog", Datasource{Namespace: "databricks://w.cloud.databricks.com"}, "sales", "orders", "databricks://w.cloud.databricks.com", "sales.orders"},
		{"Spark Thrift", Datasource{Namespace: "spark://h"}, "sales", "orders", "spark://h:10000", "sales.orders"},
		{"Vertica", Datasource{Namespace: "vertica+vertica_python://h/shop"}, "sales", "orders", "vertica://h:5433", "shop.sales.orders"},
		{"CockroachDB", Datasource{Namespace: "cockroachdb://h/shop"}, "", "orders", "cockroachdb://h:26257", "shop.public.orders"},
		{"Couchbase", Datasource{Namespace: "couchbase://h", Database: "bucket"}, "scope", "orders", "couchbase://h", "bucket.scope.orders"},
		{"Presto", Datasource{Namespace: "presto://h/cat/sales"}, "", "orders", "presto://h:8080", "cat.sales.orders"},
	} {
		t.Run(c.store, func(t *testing.T) {
			store := storeOf(c.ds)
			ns := store.Namespace
			name := store.convention(store.complete(said(store, "", c.schema, c.table)))
			if ns != c.namespace || name != c.name {
				t.Errorf("got  %s %s\nwant %s %s", ns, name, c.namespace, c.name)
			}
			if again := Normalise(ns); again != ns {
				t.Errorf("%s is normalised once more to %s", ns, again)
			}
		})
	}
}

// The rows of the naming table that name files and objects.
func TestEveryFileStoreOfTheNamingTable(t *testing.T) {
	for _, c := range []struct{ store, path, namespace, name string }{
		{"ABFSS", "abfss://box@acc.dfs.core.windows.net/k/x.csv", "abfss://box@acc.dfs.core.windows.net", "k/x.csv"},
		{"DBFS, scheme", "dbfs:/k/x.csv", "dbfs", "/k/x.csv"},
		{"DBFS, mount", "/dbfs/k/x.csv", "dbfs", "/k/x.csv"},
		{"DBFS, workspace", "dbfs://w/k/x.csv", "dbfs://w", "/k/x.csv"},
		{"GCS", "gcs://bucket/k/x.csv", "gs://bucket", "k/x.csv"},
		{"HDFS", "hdfs://nn:8020/k/x.csv", "hdfs://nn:8020", "/k/x.csv"},
		{"Local file", "/k/x.csv", "file", "/k/x.csv"},
		{"Local file URL", "file:///k/x%20y.csv", "file", "/k/x y.csv"},
		{"Remote file", "file://h/k/x.csv", "file://h", "/k/x.csv"},
		{"SFTP", "sftp://ann:pw@h:22/k/x.csv", "file://h:22", "/k/x.csv"},
		{"S3", "s3n://Bucket/k/x.csv", "s3://Bucket", "k/x.csv"},
		{"WASBS", "wasb://box@acc.blob.core.windows.net/k/x.csv", "wasbs://box@acc.blob.core.windows.net", "k/x.csv"},
	} {
		if ns, name := File(c.path); ns != c.namespace || name != c.name {
			t.Errorf("%s: got %s %s, want %s %s", c.store, ns, name, c.namespace, c.name)
		}
	}
}
