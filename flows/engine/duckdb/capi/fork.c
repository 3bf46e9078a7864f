#include "fork.h"
#include "_cgo_export.h"
#include <stdlib.h>
#include <string.h>

// fork_at(mark BIGINT) → true stands where the batches of a source arrive, and says which one a thread is at: twice its number,
// and one more in its last chunk. fork_past(0) → true stands behind every fork_to: the last chunk of a batch has passed. Where
// nothing of that is left, the batch is over when the executor comes to its next one.
// fork_to(id INTEGER, …) → true stands where the records of a relation pass, and hands a copy of them to Go, with the number
// of the batch that they come from. In between there may be nothing but what treats each record for itself: then all
// records of a batch pass on its thread before the next one arrives there.

static _Thread_local int64_t here = -1;

// See https://arrow.apache.org/docs/format/CDataInterface.html.
struct ArrowArray {
	int64_t length, null_count, offset, n_buffers, n_children;
	const void **buffers;
	struct ArrowArray **children, *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};

typedef struct {
	uintptr_t handle;
	duckdb_arrow_options options;
} fork_t;

// at_t is what one of the executors of a statement knows. An executor may move to another thread between two batches.
typedef struct {
	uintptr_t handle;
	int64_t number; // of the batch that it is at, -1 where it is at none
	bool last;      // it is at its last chunk
} at_t;

static _Thread_local at_t *at_here; // while a chunk passes

static void at_free(void *p) {
	at_t *at = p;
	if (at->number >= 0) free(sparkForkLeft(at->handle, at->number));
	free(at);
}

static void at_init(duckdb_init_info info) {
	fork_t *f = duckdb_scalar_function_init_get_extra_info(info);
	at_t *at = malloc(sizeof *at);
	if (!at) {
		duckdb_scalar_function_init_set_error(info, "out of memory");
		return;
	}
	at->handle = f->handle;
	at->number = -1;
	at->last = false;
	duckdb_scalar_function_init_set_state(info, at, at_free);
}

static void fork_at(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in);
	if (!n) return;
	at_t *at = duckdb_scalar_function_get_state(info);
	memset(duckdb_vector_get_data(out), 1, n);
	int64_t mark = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, 0));
	here = mark >> 1;
	at->last = mark & 1;
	at_here = at;
	if (at->number == here) return;
	char *error = at->number >= 0 ? sparkForkLeft(at->handle, at->number) : NULL;
	at->number = here;
	if (error) duckdb_scalar_function_set_error(info, error);
	free(error);
}

static void fork_to(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in);
	if (!n) return;
	fork_t *f = duckdb_scalar_function_get_extra_info(info);
	int32_t id = *(int32_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, 0));
	memset(duckdb_vector_get_data(out), 1, n);
	struct ArrowArray array = {0}; // with the id: a chunk without it would be another one
	duckdb_error_data e = duckdb_data_chunk_to_arrow(f->options, in, &array);
	char *error = duckdb_error_data_has_error(e) ? strdup(duckdb_error_data_message(e)) : NULL;
	duckdb_destroy_error_data(&e);
	if (!error) error = sparkForkTo(f->handle, id, here, &array);
	if (error) duckdb_scalar_function_set_error(info, error);
	free(error);
}

static void fork_past(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in);
	if (!n) return;
	memset(duckdb_vector_get_data(out), 1, n);
	at_t *at = at_here;
	if (!at->last || at->number < 0) return;
	char *error = sparkForkLeft(at->handle, at->number);
	at->number = -1;
	if (error) duckdb_scalar_function_set_error(info, error);
	free(error);
}

static void fork_free(void *p) {
	fork_t *f = p;
	duckdb_destroy_arrow_options(&f->options);
	free(f);
}

static int reg_fork(duckdb_connection con, uintptr_t handle, const char *name, duckdb_scalar_function_t fn, duckdb_type first, bool more, duckdb_scalar_function_init_t init) {
	fork_t *fork = calloc(1, sizeof *fork);
	if (!fork) return 1;
	fork->handle = handle;
	duckdb_connection_get_arrow_options(con, &fork->options);
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_logical_type type = duckdb_create_logical_type(first), any = duckdb_create_logical_type(DUCKDB_TYPE_ANY), boolean = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
	duckdb_scalar_function_set_name(f, name);
	duckdb_scalar_function_add_parameter(f, type);
	if (more) duckdb_scalar_function_set_varargs(f, any);
	duckdb_scalar_function_set_return_type(f, boolean);
	duckdb_scalar_function_set_volatile(f); // never folded, never evaluated twice or not at all
	duckdb_scalar_function_set_special_handling(f); // sees NULLs itself
	duckdb_scalar_function_set_extra_info(f, fork, fork_free);
	if (init) duckdb_scalar_function_set_init(f, init);
	duckdb_scalar_function_set_function(f, fn);
	int rc = duckdb_register_scalar_function(con, f);
	duckdb_destroy_scalar_function(&f);
	duckdb_destroy_logical_type(&type);
	duckdb_destroy_logical_type(&any);
	duckdb_destroy_logical_type(&boolean);
	return rc;
}

int spark_register_fork(duckdb_connection con, uintptr_t handle) {
	return reg_fork(con, handle, "fork_at", fork_at, DUCKDB_TYPE_BIGINT, false, at_init) |
	       reg_fork(con, handle, "fork_past", fork_past, DUCKDB_TYPE_INTEGER, false, NULL) |
	       reg_fork(con, handle, "fork_to", fork_to, DUCKDB_TYPE_INTEGER, true, NULL);
}
