package naming

import (
	"reflect"
	"strings"
	"testing"
)

func TestConnection(t *testing.T) {
	const odbc = "DRIVER%3D%7BODBC+Driver+18+for+SQL+Server%7D%3BSERVER%3Dtcp%3Adb.example.com%2C1444%3BDATABASE%3Dshop%3BUID%3Dann%3BPWD%3D%7BSECRETPW%7D%7D%3B%7D%3BEncrypt%3Dyes"
	for con, want := range map[string]Store{
		"postgresql+psycopg2://ann:SECRETPW@h:5433/shop":                                                                      {Namespace: "postgres://h:5433", Database: "shop"},
		"postgresql://ann:SECR@ET/PW@h/shop":                                                                                  {Namespace: "postgres://h:5432", Database: "shop"},
		"postgresql://ann@h/shop?options=-csearch_path%3Dsales":                                                               {Namespace: "postgres://h:5432", Database: "shop", Schema: "sales"},
		"postgresql:///shop":                                                                                                  {Namespace: "postgres://localhost:5432", Database: "shop"},
		"postgresql:///shop?host=a:1&host=b:2":                                                                                {Namespace: "postgres://a:1,b:2", Database: "shop"},
		"postgresql://u:p@/shop?host=/cloudsql/proj:reg:inst":                                                                 {Namespace: "postgres://proj:reg:inst", Database: "shop"},
		"postgresql://u:p@[::1]/shop":                                                                                         {Namespace: "postgres://[::1]:5432", Database: "shop"},
		"postgresql://u:p@dw.c0.eu-west-1.redshift.amazonaws.com:5439/dev":                                                    {Namespace: "redshift://dw.eu-west-1:5439", Database: "dev"},
		"redshift+redshift_connector://u:p@wg.123456789012.us-east-2.redshift-serverless.amazonaws.com/dev":                   {Namespace: "redshift://wg.us-east-2:5439", Database: "dev"},
		"mysql+pymysql://u:p@h/shop?charset=utf8":                                                                             {Namespace: "mysql://h:3306", Database: "shop"},
		"mssql+pyodbc:///?odbc_connect=" + odbc:                                                                               {Namespace: "mssql://db.example.com:1444", Database: "shop"},
		"mssql+pyodbc:///?odbc_connect=Server%3D.%5CSQLEXPRESS%3BInitial+Catalog%3Dshop%3B":                                   {Namespace: "mssql://localhost:1433/sqlexpress", Database: "shop"},
		"mssql+pyodbc://u:p@ws.sql.azuresynapse.net:1433/pool?driver=x":                                                       {Namespace: "sqlserver://ws.sql.azuresynapse.net:1433", Database: "pool"},
		"mssql+pyodbc://@x.datawarehouse.fabric.microsoft.com/wh":                                                             {Namespace: "fabric-warehouse://x.datawarehouse.fabric.microsoft.com", Database: "wh"},
		"oracle+cx_oracle://u:p@h:1521/?service_name=svc.example.com&encoding=UTF-8":                                          {Namespace: "oracle://h:1521", Database: "svc.example.com"},
		"oracle+oracledb://u:p@h/ORCL":                                                                                        {Namespace: "oracle://h:1521", Database: "ORCL"},
		"oracle+oracledb://u:p@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=h)(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=svc)))":    {Namespace: "oracle://h:1522", Database: "svc"},
		"snowflake://u:p@org-acc/SHOP/SALES?warehouse=W&role=R":                                                               {Namespace: "snowflake://org-acc", Database: "SHOP", Schema: "SALES"},
		"snowflake://u:p@xy12345/SHOP":                                                                                        {Namespace: "snowflake://xy12345.us-west-1.aws", Database: "SHOP"},
		"snowflake://u:p@xy12345.us-east-1/SHOP":                                                                              {Namespace: "snowflake://xy12345.us-east-1.aws", Database: "SHOP"},
		"snowflake://u:p@xy12345.west-europe.azure.snowflakecomputing.com:443/SHOP":                                           {Namespace: "snowflake://xy12345.west-europe.azure", Database: "SHOP"},
		"bigquery://proj/sales?credentials_path=/k.json":                                                                      {Namespace: "bigquery", Database: "proj", Schema: "sales"},
		"databricks://token:SECRETPW@w.cloud.databricks.com:443?http_path=/x&catalog=cat&schema=s":                            {Namespace: "unitycatalog://w.cloud.databricks.com", Database: "cat", Schema: "s"},
		"databricks+connector://token:SECRETPW@w.azuredatabricks.net:443/default?http_path=/x":                                {Namespace: "databricks://w.azuredatabricks.net", Schema: "default"},
		"trino://u@h:8443/cat/sales":                                                                                          {Namespace: "trino://h:8443", Database: "cat", Schema: "sales"},
		"awsathena+rest://AKIA:SE/CRET@athena.eu-west-1.amazonaws.com:443/sales?s3_staging_dir=s3://b":                        {Namespace: "awsathena://athena.eu-west-1.amazonaws.com", Database: "AwsDataCatalog", Schema: "sales"},
		"awsathena+rest://@/sales?region_name=eu-west-1&catalog_name=cat":                                                     {Namespace: "awsathena://athena.eu-west-1.amazonaws.com", Database: "cat", Schema: "sales"},
		"hive://u@h:10000/sales":                                                                                              {Namespace: "hive://h:10000", Database: "sales"},
		"clickhousedb+connect://u:p@h/shop":                                                                                   {Namespace: "clickhouse://h:8123", Database: "shop"},
		"teradatasql://u:p@h/?database=shop":                                                                                  {Namespace: "teradata://h:1025", Database: "shop"},
		"kustosql+https://help.kusto.windows.net/shop?azure_ad_client_secret=SECRETPW":                                        {Namespace: "azurekusto://help.kusto.windows.net", Database: "shop"},
		"spanner+spanner:///projects/p/instances/i/databases/d":                                                               {Namespace: "spanner://p:i", Database: "d"},
		"db2+ibm_db://u:p@h/SHOP":                                                                                             {Namespace: "db2://h:50000", Database: "SHOP"},
		"sqlite:////data/x.db":                                                                                                {Namespace: "sqlite:///data/x.db"},
		"mssql+pyodbc://u:p@h:1433/shop;PWD=SECRETPW":                                                                         {Namespace: "mssql://h:1433", Database: "shop"},
		"db2+ibm_db://u:p@h:50000/SHOP;PROTOCOL=TCPIP;UID=u;PWD=SECRETPW":                                                     {Namespace: "db2://h:50000", Database: "SHOP"},
		"db2+ibm_db://h/SHOP;PWD=SECRET@PW":                                                                                   {Namespace: "db2://h:50000", Database: "SHOP"},
		"hana://u:p@h:30015;PWD=SECRETPW":                                                                                     {Namespace: "hana://h:30015"},
		"postgresql://u:p@h/shop%3BPWD=SECRETPW":                                                                              {Namespace: "postgres://h:5432", Database: "shop"},
		"cockroachdb://u:p@h/shop":                                                                                            {Namespace: "cockroachdb://h:26257", Database: "shop"},
		"mssql+pymssql://u:p@h":                                                                                               {Namespace: "mssql://h:1433"},
		"jdbc:postgresql://h/shop?user=u&password=SECRETPW&currentSchema=sales":                                               {Namespace: "postgres://h:5432", Database: "shop", Schema: "sales"},
		"jdbc:sqlserver://h;databaseName=shop;user=u;password={SECRETPW;x}":                                                   {Namespace: "mssql://h:1433", Database: "shop"},
		`jdbc:sqlserver://h\INST:1444;databaseName=shop;password=SECRETPW`:                                                    {Namespace: "mssql://h:1444/inst", Database: "shop"},
		"jdbc:oracle:thin:u/SECRETPW@//h:1522/svc":                                                                            {Namespace: "oracle://h:1522", Database: "svc"},
		"jdbc:oracle:thin:@h:1522:SID":                                                                                        {Namespace: "oracle://h:1522", Database: "SID"},
		"jdbc:db2://h:50001/SHOP:user=u;password=SECRETPW;":                                                                   {Namespace: "db2://h:50001", Database: "SHOP"},
		"jdbc:mysql:loadbalance://a:1,b:2/shop?password=SECRETPW":                                                             {Namespace: "mysql://a:1,b:2", Database: "shop"},
		"jdbc:hive2://h/sales;principal=hive/x@Y;password=SECRETPW":                                                           {Namespace: "hive://h:10000", Database: "sales"},
		"jdbc:snowflake://org-acc.snowflakecomputing.com/?user=u&password=SECRETPW&db=SHOP&schema=S":                          {Namespace: "snowflake://org-acc", Database: "SHOP", Schema: "S"},
		"jdbc:databricks://w.cloud.databricks.com:443;httpPath=/x;PWD=SECRETPW;ConnCatalog=cat;ConnSchema=s":                  {Namespace: "unitycatalog://w.cloud.databricks.com", Database: "cat", Schema: "s"},
		"jdbc:bigquery://https://www.googleapis.com/bigquery/v2:443;ProjectId=proj;DefaultDataset=sales;OAuthPvtKey=SECRETPW": {Namespace: "bigquery", Database: "proj", Schema: "sales"},
		"jdbc:sqlite:/data/x.db?password=SECRETPW":                                                                            {Namespace: "sqlite:///data/x.db"},
		"sqlite:////data//a/../x.db?mode=ro":                                                                                  {Namespace: "sqlite:///data/x.db"},
		"sqlite:///file:/data/x.db?mode=ro&uri=true":                                                                          {Namespace: "sqlite:///data/x.db"},
		`sqlite:///C:\data\x.db`:                                                                                              {Namespace: "sqlite://C:/data/x.db"},
		"duckdb:///:memory:":                                                                                                  {Namespace: "duckdb://:memory:"},
		"duckdb:///md:shop?motherduck_token=SECRETPW":                                                                         {Namespace: "duckdb://md:shop"},
		"sqlite:///x.db": {Namespace: "sqlite://x.db"},
	} {
		if got, ok := Connection(con); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v %v\nwant %+v", con, got, ok, want)
		}
	}
}

func TestConnectionRefusesWhatLeadsNowhere(t *testing.T) {
	for _, con := range []string{"", "shop.db", "mysql:///shop", "mssql+pyodbc:///?odbc_connect=", "://h", "a b://h",
		"mssql+pyodbc://u:p@MYDSN", "mssql://u:p@MYDSN?driver=x", "mssql+pyodbc:///?odbc_connect=DSN%3DMYDSN%3BDATABASE%3Dshop", "hana+odbc://u:p@MYDSN",
		"jdbc:oracle:thin:@TNSNAME", "jdbc:odbc:MYDSN", "jdbc:", "jdbc:x"} {
		if got, ok := Connection(con); ok {
			t.Errorf("%s: %+v", con, got)
		}
	}
}

// Whatever a password holds but an @, SQLAlchemy ends it at the first one, and nothing of it may stand in a name.
func FuzzNoPasswordLeaves(f *testing.F) {
	for _, scheme := range []string{"postgresql+psycopg2", "mssql+pyodbc", "oracle", "snowflake", "databricks", "spanner+spanner", "kustosql+https", "hana"} {
		f.Add(scheme, "a/b?c#d%40", "h:1/shop/s?odbc_connect=SERVER%3Dx%2C1%3BDATABASE%3D%7Bd%7D%7D&host=a")
	}
	f.Fuzz(func(t *testing.T, scheme, password, rest string) {
		if strings.Contains(password, "@") || strings.Contains(scheme, "://") || strings.Contains(rest, "SECRETPW") {
			t.Skip("another password, or another place for it, than the one that is looked for")
		}
		ds, ok := Connection(scheme + "://ann:" + password + "SECRETPW@" + rest)
		if embedded(normaliseScheme(scheme)) {
			t.Skip("a path, no user")
		}
		if ds.Database+ds.Schema != dropOptions(ds.Database)+dropOptions(ds.Schema) || ds.Namespace != dropOptions(ds.Namespace) {
			t.Errorf("options in a name: %+v", ds)
		}
		if all := strings.ToUpper(ds.Namespace + ds.Database + ds.Schema); ok && strings.Contains(all, "SECRETPW") {
			t.Errorf("%+v", ds)
		}
	})
}
