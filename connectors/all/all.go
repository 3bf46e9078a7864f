// Package all registers every connector.
package all

import (
	_ "spark/connectors/csv"      // format
	_ "spark/connectors/database" // Database Input, Database Output
	_ "spark/connectors/file"     // File Input, File Output
	_ "spark/connectors/folder"   // location: data folders of this machine
	_ "spark/connectors/http"     // connections to APIs, REST Input
	_ "spark/connectors/json"     // formats JSON lines and JSON
	_ "spark/connectors/mysql"    // connections to MySQL and MariaDB
	_ "spark/connectors/parquet"  // format
	_ "spark/connectors/postgres" // connections to PostgreSQL
	_ "spark/connectors/sample"   // Sample Data
)
