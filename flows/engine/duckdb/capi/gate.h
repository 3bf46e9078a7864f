#pragma once
#include <stdint.h>

// The Arrow C stream interface: https://arrow.apache.org/docs/format/CStreamInterface.html
struct ArrowSchema;
struct ArrowArray;
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
	int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
	int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
	const char *(*get_last_error)(struct ArrowArrayStream *);
	void (*release)(struct ArrowArrayStream *);
	void *private_data;
};
#endif

// A stream as DuckDB reads it, that can be shut at any time: DuckDB keeps copies of a stream, and a statement that was
// given up goes on reading them in its threads.
typedef struct spark_gate spark_gate;

// Makes a gate, NULL without memory. *inner is where the stream itself is to be written.
spark_gate *spark_gate_new(struct ArrowArrayStream **inner);
// What DuckDB is given.
struct ArrowArrayStream *spark_gate_stream(spark_gate *g);
// Waits until nobody reads, and releases the stream. Whoever reads later gets an error.
void spark_gate_shut(spark_gate *g);
// Frees a gate that was shut, once nothing that may read it is left.
void spark_gate_free(spark_gate *g);
