// Package all registers every connector.
package all

import (
	_ "spark/connectors/csv"     // format
	_ "spark/connectors/file"    // File Input, File Output
	_ "spark/connectors/folder"  // location: data folders of this machine
	_ "spark/connectors/json"    // formats JSON lines and JSON
	_ "spark/connectors/parquet" // format
	_ "spark/connectors/sample"  // Sample Data
)
