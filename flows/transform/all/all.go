// Package all registers the built-in node types.
package all

import (
	_ "spark/flows/transform/aggregate"
	_ "spark/flows/transform/checkpoint"
	_ "spark/flows/transform/convert"
	_ "spark/flows/transform/deduplicate"
	_ "spark/flows/transform/explode"
	_ "spark/flows/transform/fillnulls"
	_ "spark/flows/transform/filter"
	_ "spark/flows/transform/flatten"
	_ "spark/flows/transform/formula"
	_ "spark/flows/transform/join"
	_ "spark/flows/transform/limit"
	_ "spark/flows/transform/lookup"
	_ "spark/flows/transform/pivot"
	_ "spark/flows/transform/rowid"
	_ "spark/flows/transform/samplerecords"
	_ "spark/flows/transform/selectfields"
	_ "spark/flows/transform/sort"
	_ "spark/flows/transform/splittext"
	_ "spark/flows/transform/stop"
	_ "spark/flows/transform/switchnode"
	_ "spark/flows/transform/union"
	_ "spark/flows/transform/unpivot"
	_ "spark/flows/transform/window"
)
