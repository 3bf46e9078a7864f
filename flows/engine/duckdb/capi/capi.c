#include "capi.h"
#include "apply.h"
#include "json.h"
#include "shape.h"
#include "_cgo_export.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// A cache line per tap: two threads counting at different nodes do not slow each other down.
typedef struct {
	_Atomic uint64_t in, out;
	_Atomic int64_t wanted; // records that a sample still takes
	char pad[40];
} tap_t;

struct spark_taps {
	tap_t tap[SPARK_TAPS];
	uintptr_t handle; // cgo handle of the Go side, for tapx
};

spark_taps *spark_taps_new(uintptr_t handle) {
	spark_taps *t = calloc(1, sizeof *t);
	if (t) t->handle = handle;
	return t;
}
void spark_taps_free(spark_taps *t) { free(t); }
uint64_t spark_tap_in(spark_taps *t, int id) { return atomic_load_explicit(&t->tap[id].in, memory_order_relaxed); }
uint64_t spark_tap_out(spark_taps *t, int id) { return atomic_load_explicit(&t->tap[id].out, memory_order_relaxed); }

void spark_want(spark_taps *t, int id, int64_t n) { atomic_store(&t->tap[id].wanted, n); }

static int32_t tap_id(duckdb_data_chunk in) {
	return *(int32_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, 0));
}
static bool valid(uint64_t *v, idx_t i) { return !v || (v[i >> 6] >> (i & 63) & 1); }

// tap(id, …) → true: counts the chunk. Further arguments only keep their columns alive.
static void tap_fn(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in);
	if (!n) return;
	spark_taps *t = duckdb_scalar_function_get_extra_info(info);
	atomic_fetch_add_explicit(&t->tap[tap_id(in)].in, n, memory_order_relaxed);
	memset(duckdb_vector_get_data(out), 1, n);
}

// tapf(id, condition) → condition, NULL as false: counts the records that come and those that pass.
static void tapf_fn(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in);
	if (!n) return;
	spark_taps *t = duckdb_scalar_function_get_extra_info(info);
	tap_t *tap = &t->tap[tap_id(in)];
	duckdb_vector pv = duckdb_data_chunk_get_vector(in, 1);
	bool *p = duckdb_vector_get_data(pv), *o = duckdb_vector_get_data(out);
	uint64_t *val = duckdb_vector_get_validity(pv), passed = 0;
	for (idx_t i = 0; i < n; i++) {
		bool b = p[i] && valid(val, i);
		o[i] = b;
		passed += b;
	}
	atomic_fetch_add_explicit(&tap->in, n, memory_order_relaxed);
	atomic_fetch_add_explicit(&tap->out, passed, memory_order_relaxed);
}

static const char *str(duckdb_string_t *s, int64_t *len) {
	*len = s->value.inlined.length;
	return *len <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr;
}

// tapx(id, code INTEGER, raw VARCHAR, file VARCHAR, record BIGINT, why VARCHAR) → false: every record it is given is refused.
// Stands behind CASE, so that it sees refused records only. Go stores them or answers with the reason to stop.
static void tapx_fn(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in);
	if (!n) return;
	spark_taps *t = duckdb_scalar_function_get_extra_info(info);
	int32_t id = tap_id(in);
	duckdb_vector v[6];
	for (int c = 1; c < 6; c++) v[c] = duckdb_data_chunk_get_vector(in, c);
	int32_t *code = duckdb_vector_get_data(v[1]);
	duckdb_string_t *raw = duckdb_vector_get_data(v[2]), *file = duckdb_vector_get_data(v[3]), *why = duckdb_vector_get_data(v[5]);
	int64_t *rec = duckdb_vector_get_data(v[4]);
	uint64_t *vc = duckdb_vector_get_validity(v[1]), *vr = duckdb_vector_get_validity(v[2]);
	uint64_t *vf = duckdb_vector_get_validity(v[3]), *vn = duckdb_vector_get_validity(v[4]), *vw = duckdb_vector_get_validity(v[5]);
	memset(duckdb_vector_get_data(out), 0, n);
	for (idx_t i = 0; i < n; i++) {
		int64_t rl = 0, fl = 0, wl = 0;
		const char *r = valid(vr, i) ? str(&raw[i], &rl) : "", *f = valid(vf, i) ? str(&file[i], &fl) : "";
		const char *w = valid(vw, i) ? str(&why[i], &wl) : "";
		char *err = sparkRefused(t->handle, id, valid(vc, i) ? code[i] : 0, (char *)r, rl, (char *)f, fl, valid(vn, i) ? rec[i] : 0, (char *)w, wl);
		if (err) {
			duckdb_scalar_function_set_error(info, err);
			free(err);
			return;
		}
	}
	atomic_fetch_add_explicit(&t->tap[id].out, n, memory_order_relaxed);
}

// tapw(id) → true for the records that the sample of the tap still wants, false for all others. They are reserved: each
// must be given to taps. Costs one load per chunk once the sample is complete.
static void tapw_fn(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in);
	if (!n) return;
	spark_taps *t = duckdb_scalar_function_get_extra_info(info);
	_Atomic int64_t *wanted = &t->tap[tap_id(in)].wanted;
	bool *o = duckdb_vector_get_data(out);
	memset(o, 0, n);
	int64_t left = atomic_load_explicit(wanted, memory_order_relaxed), take;
	do {
		if (left <= 0) return;
		take = left < (int64_t)n ? left : (int64_t)n;
	} while (!atomic_compare_exchange_weak(wanted, &left, left - take));
	memset(o, 1, take);
}

// taps(id, record VARCHAR) → true: hands records to the sample. Stands behind CASE WHEN tapw(id), so that only wanted
// records are written out.
static void taps_fn(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in);
	if (!n) return;
	spark_taps *t = duckdb_scalar_function_get_extra_info(info);
	int32_t id = tap_id(in);
	duckdb_vector v = duckdb_data_chunk_get_vector(in, 1);
	duckdb_string_t *record = duckdb_vector_get_data(v);
	uint64_t *val = duckdb_vector_get_validity(v);
	memset(duckdb_vector_get_data(out), 1, n);
	for (idx_t i = 0; i < n; i++) {
		int64_t len = 0;
		const char *s = valid(val, i) ? str(&record[i], &len) : "";
		sparkSampled(t->handle, id, (char *)s, len);
	}
}

static int reg(duckdb_connection con, spark_taps *t, const char *name, duckdb_scalar_function_t fn, const int *params, int n, bool varargs) {
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_scalar_function_set_name(f, name);
	for (int i = 0; i < n; i++) {
		duckdb_logical_type p = duckdb_create_logical_type(params[i]);
		duckdb_scalar_function_add_parameter(f, p);
		duckdb_destroy_logical_type(&p);
	}
	duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY), b = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
	if (varargs) duckdb_scalar_function_set_varargs(f, any);
	duckdb_scalar_function_set_return_type(f, b);
	duckdb_scalar_function_set_volatile(f); // never folded, never evaluated twice or not at all
	duckdb_scalar_function_set_special_handling(f); // sees NULLs itself
	duckdb_scalar_function_set_extra_info(f, t, NULL);
	duckdb_scalar_function_set_function(f, fn);
	int rc = duckdb_register_scalar_function(con, f);
	duckdb_destroy_scalar_function(&f);
	duckdb_destroy_logical_type(&any);
	duckdb_destroy_logical_type(&b);
	return rc;
}

int spark_register(duckdb_connection con, spark_taps *t) {
	static const int p[] = {DUCKDB_TYPE_INTEGER};
	static const int pf[] = {DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_BOOLEAN};
	static const int px[] = {DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_VARCHAR};
	static const int ps[] = {DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_VARCHAR};
	return reg(con, t, "tap", tap_fn, p, 1, true) | reg(con, t, "tapf", tapf_fn, pf, 2, false) |
	       reg(con, t, "tapx", tapx_fn, px, 6, false) | reg(con, t, "tapw", tapw_fn, p, 1, false) |
	       reg(con, t, "taps", taps_fn, ps, 2, false) | spark_register_json(con) | spark_register_shape(con) |
	       spark_register_apply(con, t->handle);
}

// duckdb_query spins while another thread waits for a source, so the statement is driven here and sleeps instead.
static void drive(duckdb_pending_result pr) {
	for (;;) {
		duckdb_pending_state s = duckdb_pending_execute_task(pr);
		if (s == DUCKDB_PENDING_ERROR || duckdb_pending_execution_is_finished(s)) return;
		if (s == DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
			struct timespec t = {0, 200000};
			nanosleep(&t, NULL);
		}
	}
}

static char *said(const char *error) { return strdup(error ? error : "unknown error"); }

char *spark_exec(duckdb_connection con, const char *sql, uint64_t *changed, duckdb_result *out) {
	duckdb_prepared_statement st = NULL;
	duckdb_pending_result pr = NULL;
	duckdb_result res;
	memset(&res, 0, sizeof res);
	char *err = NULL;
	if (duckdb_prepare(con, sql, &st) == DuckDBError) {
		err = said(duckdb_prepare_error(st));
	} else if (duckdb_pending_prepared(st, &pr) == DuckDBError) {
		err = said(duckdb_pending_error(pr));
	} else {
		drive(pr);
		if (duckdb_execute_pending(pr, &res) == DuckDBError) err = said(duckdb_result_error(&res));
		else if (changed) *changed = duckdb_rows_changed(&res);
	}
	if (out && !err) *out = res;
	else duckdb_destroy_result(&res);
	duckdb_destroy_pending(&pr);
	duckdb_destroy_prepare(&st);
	return err;
}

// taken turns an error of DuckDB's into a text, or NULL where there is none.
static char *taken(duckdb_error_data e) {
	char *err = duckdb_error_data_has_error(e) ? said(duckdb_error_data_message(e)) : NULL;
	duckdb_destroy_error_data(&e);
	return err;
}

static char *stream_schema(spark_stream *s, struct ArrowSchema *schema) {
	idx_t n = duckdb_column_count(&s->res);
	duckdb_logical_type *types = calloc(n, sizeof *types);
	const char **names = calloc(n, sizeof *names);
	char *err = NULL;
	if (!types || !names) err = said("out of memory");
	for (idx_t i = 0; !err && i < n; i++) {
		types[i] = duckdb_column_logical_type(&s->res, i);
		names[i] = duckdb_column_name(&s->res, i);
	}
	if (!err) err = taken(duckdb_to_arrow_schema(s->options, types, names, n, schema));
	for (idx_t i = 0; types && i < n; i++) duckdb_destroy_logical_type(&types[i]);
	free(types);
	free(names);
	return err;
}

char *spark_stream_open(duckdb_connection con, const char *sql, spark_stream *s, struct ArrowSchema *schema) {
	memset(s, 0, sizeof *s);
	if (duckdb_prepare(con, sql, &s->st) == DuckDBError) return said(duckdb_prepare_error(s->st));
	if (duckdb_pending_prepared_streaming(s->st, &s->pr) == DuckDBError) return said(duckdb_pending_error(s->pr));
	if (duckdb_execute_pending(s->pr, &s->res) == DuckDBError) return said(duckdb_result_error(&s->res));
	s->options = duckdb_result_get_arrow_options(&s->res);
	return stream_schema(s, schema);
}

char *spark_stream_next(spark_stream *s, struct ArrowArray *out, bool *more) {
	duckdb_data_chunk chunk = duckdb_fetch_chunk(s->res);
	*more = chunk != NULL;
	if (!chunk) {
		const char *error = duckdb_result_error(&s->res);
		return error && *error ? said(error) : NULL;
	}
	char *err = taken(duckdb_data_chunk_to_arrow(s->options, chunk, out));
	duckdb_destroy_data_chunk(&chunk);
	return err;
}

void spark_stream_close(spark_stream *s) {
	if (s->options) duckdb_destroy_arrow_options(&s->options);
	duckdb_destroy_result(&s->res);
	duckdb_destroy_pending(&s->pr);
	duckdb_destroy_prepare(&s->st);
}
