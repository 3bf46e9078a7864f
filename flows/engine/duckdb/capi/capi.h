#pragma once
#include "duck.h"

#define SPARK_TAPS 4096

// One run's counters. DuckDB's threads add to them, Go reads them at any time.
typedef struct spark_taps spark_taps;

spark_taps *spark_taps_new(uintptr_t handle);
void spark_taps_free(spark_taps *t);
uint64_t spark_tap_in(spark_taps *t, int id);
uint64_t spark_tap_out(spark_taps *t, int id);
void spark_want(spark_taps *t, int id, int64_t n);

// Registers tap, tapf, tapx, tapw and taps on the database of con. Returns 0 when all went well.
int spark_register(duckdb_connection con, spark_taps *t);

// Runs one statement; NULL or an error text that the caller frees. *changed is the number of records it wrote.
char *spark_exec(duckdb_connection con, const char *sql, uint64_t *changed, duckdb_result *out);

// A statement whose records are fetched while it runs.
typedef struct {
	duckdb_prepared_statement st;
	duckdb_pending_result pr;
	duckdb_result res;
	duckdb_arrow_options options;
} spark_stream;

// Opens a stream and writes the schema of its records. Returns NULL or an error text that the caller frees. The stream
// has to be closed in any case.
char *spark_stream_open(duckdb_connection con, const char *sql, spark_stream *s, struct ArrowSchema *schema);
// Fetches the next records; *more is false at the end.
char *spark_stream_next(spark_stream *s, struct ArrowArray *out, bool *more);
void spark_stream_close(spark_stream *s);
