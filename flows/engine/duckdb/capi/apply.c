#include "apply.h"
#include "_cgo_export.h"
#include <stdlib.h>
#include <string.h>

// go_apply(id, text, …) → {value, error} hands a chunk to a function in Go by one call, so that the way into Go is paid
// once for up to 2,048 records. go_apply_random is the same for functions that give another result each time.

enum { MAX_ARGS = 64 };

// answer writes the results, one behind the other in body, into the vectors of values and errors. lengths says of each:
// a value of n bytes is n, a null is -1, an error of n bytes is -2-n.
static void answer(duckdb_vector out, const char *body, const int64_t *lengths, idx_t n) {
	for (idx_t member = 0; member < 2; member++) {
		duckdb_vector v = duckdb_struct_vector_get_child(out, member);
		duckdb_vector_ensure_validity_writable(v);
		uint64_t *valid = duckdb_vector_get_validity(v);
		const char *p = body;
		for (idx_t i = 0; i < n; i++) {
			bool value = lengths[i] >= 0;
			int64_t length = value ? lengths[i] : lengths[i] == -1 ? 0 : -2 - lengths[i];
			if (lengths[i] == -1 || value != (member == 0)) duckdb_validity_set_row_invalid(valid, i);
			else duckdb_unsafe_vector_assign_string_element_len(v, i, p, length);
			p += length;
		}
	}
}

static void apply_fn(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in), args = duckdb_data_chunk_get_column_count(in) - 1;
	if (!n) return;
	void *texts[MAX_ARGS], *valid[MAX_ARGS];
	int64_t *lengths = malloc(n * sizeof *lengths);
	char *body = NULL, *error = NULL;
	if (!lengths || args > MAX_ARGS) error = strdup(lengths ? "a function has too many arguments" : "out of memory");
	for (idx_t a = 0; !error && a < args; a++) {
		duckdb_vector v = duckdb_data_chunk_get_vector(in, a + 1);
		texts[a] = duckdb_vector_get_data(v);
		valid[a] = duckdb_vector_get_validity(v);
	}
	if (!error) {
		int32_t id = *(int32_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, 0));
		error = sparkApply((uintptr_t)duckdb_scalar_function_get_extra_info(info), id, n, args, texts, valid, lengths, &body);
	}
	if (error) duckdb_scalar_function_set_error(info, error);
	else answer(out, body, lengths, n);
	free(body);
	free(lengths);
	free(error);
}

static int reg_apply(duckdb_connection con, uintptr_t handle, const char *name, bool random) {
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_logical_type integer = duckdb_create_logical_type(DUCKDB_TYPE_INTEGER), text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	duckdb_logical_type members[] = {text, text};
	const char *names[] = {"value", "error"};
	duckdb_logical_type result = duckdb_create_struct_type(members, names, 2);
	duckdb_scalar_function_set_name(f, name);
	duckdb_scalar_function_add_parameter(f, integer);
	duckdb_scalar_function_set_varargs(f, text);
	duckdb_scalar_function_set_return_type(f, result);
	duckdb_scalar_function_set_special_handling(f); // sees nulls itself
	if (random) duckdb_scalar_function_set_volatile(f);
	duckdb_scalar_function_set_extra_info(f, (void *)handle, NULL);
	duckdb_scalar_function_set_function(f, apply_fn);
	int rc = duckdb_register_scalar_function(con, f);
	duckdb_destroy_scalar_function(&f);
	duckdb_destroy_logical_type(&result);
	duckdb_destroy_logical_type(&text);
	duckdb_destroy_logical_type(&integer);
	return rc;
}

int spark_register_apply(duckdb_connection con, uintptr_t handle) {
	return reg_apply(con, handle, "go_apply", false) | reg_apply(con, handle, "go_apply_random", true);
}
