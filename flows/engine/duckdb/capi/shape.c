#include "shape.h"
#include <string.h>

// text_shape(text, shape) → whether a text has a shape of flows/expr, false for null: what the regular expressions there say, for a
// tenth of their time. The shapes: i integer, n<scale> decimal, f double, d date, t time, s timestamp, z timestamp with zone.

typedef struct {
	const char *p, *end;
} cursor;

static bool digit_at(const cursor *c) { return c->p < c->end && *c->p >= '0' && *c->p <= '9'; }

static int64_t digits(cursor *c) {
	const char *from = c->p;
	while (digit_at(c)) c->p++;
	return c->p - from;
}

static bool take(cursor *c, char x) {
	if (c->p == c->end || *c->p != x) return false;
	c->p++;
	return true;
}

static void sign(cursor *c) {
	if (!take(c, '-')) take(c, '+');
}

// below reads two digits, of a number below most.
static bool below(cursor *c, int most) {
	if (c->end - c->p < 2 || !digit_at(c) || c->p[1] < '0' || c->p[1] > '9') return false;
	int n = (c->p[0] - '0') * 10 + c->p[1] - '0';
	c->p += 2;
	return n < most;
}

static bool is_integer(cursor *c) {
	sign(c);
	return digits(c) > 0;
}

// is_decimal: what is behind the scale must be zeros.
static bool is_decimal(cursor *c, int64_t scale) {
	sign(c);
	int64_t whole = digits(c);
	if (c->p == c->end) return whole > 0;
	if (!take(c, '.') || (!whole && !scale)) return false;
	const char *from = c->p;
	int64_t n = digits(c);
	for (int64_t i = scale; i < n; i++) {
		if (from[i] != '0') return false;
	}
	return n > 0;
}

static bool is_double(cursor *c) {
	sign(c);
	int64_t whole = digits(c);
	if (take(c, '.')) {
		if (!digits(c) && !whole) return false;
	} else if (!whole) {
		return false;
	}
	if (take(c, 'e') || take(c, 'E')) {
		sign(c);
		return digits(c) > 0;
	}
	return true;
}

static bool is_date(cursor *c) {
	const char *year = c->p;
	return below(c, 100) && below(c, 100) && memcmp(year, "0000", 4) && take(c, '-') && below(c, 100) && take(c, '-') && below(c, 100);
}

static bool is_time(cursor *c) {
	if (!below(c, 24) || !take(c, ':') || !below(c, 60) || !take(c, ':') || !below(c, 60)) return false;
	if (!take(c, '.')) return true;
	const char *from = c->p;
	int64_t n = digits(c);
	for (int64_t i = 6; i < n; i++) {
		if (from[i] != '0') return false;
	}
	return n > 0;
}

static bool is_timestamp(cursor *c) { return is_date(c) && (take(c, ' ') || take(c, 'T')) && is_time(c); }

static bool is_zoned(cursor *c) {
	if (!is_timestamp(c)) return false;
	if (take(c, 'Z')) return true;
	if (!take(c, '+') && !take(c, '-')) return false;
	if (!below(c, 16)) return false;
	take(c, ':');
	return below(c, 60);
}

static bool has_shape(char shape, int64_t scale, cursor *c) {
	switch (shape) {
	case 'i': return is_integer(c);
	case 'n': return is_decimal(c, scale);
	case 'f': return is_double(c);
	case 'd': return is_date(c);
	case 't': return is_time(c);
	case 's': return is_timestamp(c);
	case 'z': return is_zoned(c);
	}
	return false;
}

static const char *str(duckdb_string_t *s, int64_t *len) {
	*len = s->value.inlined.length;
	return *len <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr;
}

static void text_shape(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	(void)info;
	idx_t n = duckdb_data_chunk_get_size(in);
	if (!n) return;
	duckdb_vector v = duckdb_data_chunk_get_vector(in, 0);
	duckdb_string_t *texts = duckdb_vector_get_data(v);
	uint64_t *valid = duckdb_vector_get_validity(v);
	int64_t length, scale = 0;
	const char *shape = str(duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, 1)), &length);
	for (int64_t i = 1; i < length; i++) scale = scale * 10 + shape[i] - '0';
	bool *is = duckdb_vector_get_data(out);
	for (idx_t i = 0; i < n; i++) {
		is[i] = false;
		if (valid && !(valid[i >> 6] >> (i & 63) & 1)) continue;
		cursor c;
		c.p = str(&texts[i], &length);
		c.end = c.p + length;
		is[i] = has_shape(*shape, scale, &c) && c.p == c.end;
	}
}

int spark_register_shape(duckdb_connection con) {
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_scalar_function_set_name(f, "text_shape");
	duckdb_logical_type varchar = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR), boolean = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
	for (int i = 0; i < 2; i++) duckdb_scalar_function_add_parameter(f, varchar);
	duckdb_scalar_function_set_return_type(f, boolean);
	duckdb_scalar_function_set_special_handling(f);
	duckdb_scalar_function_set_function(f, text_shape);
	int rc = duckdb_register_scalar_function(con, f);
	duckdb_destroy_scalar_function(&f);
	duckdb_destroy_logical_type(&varchar);
	duckdb_destroy_logical_type(&boolean);
	return rc;
}
