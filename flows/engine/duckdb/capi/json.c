#include "json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// json_read_n(text, spec) → {place, kind1, part1, kind2, part2, …} takes n parts of a JSON text in one pass, as they are
// written: DuckDB's own functions read numbers as doubles, end texts at \u0000, and stop the statement at half of
// a surrogate pair. place is NULL where the text is JSON (RFC 8259), else the 1-based byte at which it is none. It is a struct
// and no list, because taking an element out of a list copies it.
//
// A spec is one part behind the other. A part is its form, t v n or j, then its steps, k<length>:<key> or i<index>; and a
// full stop. The forms: t as text, v a text but null for an object or array, n a number without exponent and needless zeros, j as JSON. The kinds: m missing, z null,
// s text, n number, b boolean, o object, a array, u a text with the character NUL, d in an object that has its key twice:
// null, or with a form in capitals the first one.

enum { MAX_DEPTH = 1000, MAX_PLAIN = 80 };

typedef struct {
	const char *key; // NULL: an index
	int64_t length;  // of the key, or the index
	int child, next; // nodes, -1 where there is none
	int likely;      // the child that comes next where keys have the same order in each object
	int part;        // the first part that ends here, -1 where none does
	uint64_t seen;   // the object in which it was found last
	uint64_t keys;   // bits of the keys of the children, see bit_of
} step_t;

typedef struct {
	char form;
	int same; // the next part with the same path, -1
	char kind;
	bool escaped;
	const char *from;
	int64_t length;
} part_t;

typedef struct {
	step_t *step;
	part_t *part;
	int steps, parts;
	uint64_t objects;
	char *buffer; // for what is unescaped
	int64_t room;
} reader_t;

typedef struct {
	bool object;
	int step;        // what is looked for here, -1 where nothing is
	int found;       // the step of the member whose value is being read
	int64_t index;   // of the element
	uint64_t number; // of the object
	const char *from;
} frame_t;

static int add_step(reader_t *r, const char *key, int64_t length) {
	step_t s = {key, length, -1, -1, -1, -1, 0, 0};
	r->step[r->steps] = s;
	return r->steps++;
}

static bool same_key(const step_t *s, const char *key, int64_t length) {
	return s->key && s->length == length && (!length || (*s->key == *key && memcmp(s->key, key, length) == 0));
}

// bit_of a key tells most keys that nobody asks for from the others.
static uint64_t bit_of(const char *key, int64_t length) {
	return (uint64_t)1 << ((length ? (unsigned char)*key * 7 + (unsigned char)key[length - 1] : 0) + length) % 64;
}

static int64_t number(const char **p, const char *end) {
	int64_t n = 0;
	while (*p < end && **p >= '0' && **p <= '9') n = n * 10 + *(*p)++ - '0';
	(*p)++; // : or ;
	return n;
}

// compile reads a spec. Only our own renderer writes them.
static void compile(reader_t *r, const char *p, int64_t length) {
	const char *end = p + length;
	add_step(r, NULL, 0);
	while (p < end) {
		part_t *part = &r->part[r->parts];
		part->form = *p++;
		int at = 0;
		while (p < end && *p != '.') {
			bool isKey = *p++ == 'k';
			int64_t n = number(&p, end);
			const char *key = isKey ? p : NULL;
			int c = r->step[at].child, last = -1;
			while (c >= 0 && !(isKey ? same_key(&r->step[c], key, n) : !r->step[c].key && r->step[c].length == n)) last = c, c = r->step[c].next;
			if (c < 0) {
				c = add_step(r, key, n);
				if (last < 0) r->step[at].child = r->step[at].likely = c;
				else r->step[last].next = c;
				if (isKey) r->step[at].keys |= bit_of(key, n);
			}
			at = c;
			if (isKey) p += n;
		}
		p++;
		part->same = r->step[at].part;
		r->step[at].part = r->parts++;
	}
}

static bool reserve(reader_t *r, int64_t n) {
	if (n <= r->room) return true;
	char *b = realloc(r->buffer, n);
	if (!b) return false;
	r->buffer = b;
	r->room = n;
	return true;
}

static int hex4(const char *p) {
	int v = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i], low = c | 32;
		if (c >= '0' && c <= '9') v = v << 4 | (c - '0');
		else if (low >= 'a' && low <= 'f') v = v << 4 | (low - 'a' + 10);
		else return -1;
	}
	return v;
}

static bool space(char c) { return (unsigned char)c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t'); }

// special returns the place of the first of 8 bytes that is a quote, a backslash or below a space; 8 where none is. What a
// subtraction borrows changes only what is behind the first.
static int special(const char *p) {
	uint64_t x, ones = 0x0101010101010101u, high = 0x8080808080808080u;
	memcpy(&x, p, 8);
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) x = __builtin_bswap64(x);
	uint64_t q = x ^ (ones * '"'), b = x ^ (ones * '\\');
	uint64_t found = (((q - ones) & ~q) | ((b - ones) & ~b) | ((x - ones * 0x20) & ~x)) & high;
	return found ? __builtin_ctzll(found) >> 3 : 8;
}

// text reads a JSON string from behind its quote to behind its end; NULL where it is none, with *p at the place.
static bool text(const char **at, const char *end, bool *escaped) {
	const char *p = *at;
	*escaped = false;
	for (;;) {
		int n = 8;
		while (n == 8 && end - p >= 8) p += n = special(p);
		if (n == 8) while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20) p++;
		*at = p;
		if (p == end || (unsigned char)*p < 0x20) return false;
		if (*p == '"') {
			*at = p + 1;
			return true;
		}
		*escaped = true;
		if (end - p < 2) return false;
		if (p[1] != 'u') {
			if (!p[1] || !strchr("\"\\/bfnrt", p[1])) return false;
			p += 2;
			continue;
		}
		int v = end - p < 6 ? -1 : hex4(p + 2);
		if (v < 0 || (v >= 0xDC00 && v <= 0xDFFF)) return false;
		p += 6;
		if (v >= 0xD800 && v <= 0xDBFF) {
			int low = end - p < 6 || p[0] != '\\' || p[1] != 'u' ? -1 : hex4(p + 2);
			if (low < 0xDC00 || low > 0xDFFF) return false;
			p += 6;
		}
	}
}

// unescape writes a checked string without its escapes and returns its length; -1 where a NUL is in it, -2 without memory.
static int64_t unescape(reader_t *r, const char *p, int64_t length) {
	if (!reserve(r, length)) return -2;
	char *o = r->buffer;
	bool nul = false;
	for (const char *end = p + length; p < end;) {
		if (*p != '\\') {
			*o++ = *p++;
			continue;
		}
		char c = p[1];
		p += 2;
		switch (c) {
		case 'b': *o++ = '\b'; continue;
		case 'f': *o++ = '\f'; continue;
		case 'n': *o++ = '\n'; continue;
		case 'r': *o++ = '\r'; continue;
		case 't': *o++ = '\t'; continue;
		case 'u': break;
		default: *o++ = c; continue;
		}
		int v = hex4(p);
		p += 4;
		if (v >= 0xD800 && v <= 0xDBFF) {
			v = 0x10000 + ((v - 0xD800) << 10) + (hex4(p + 2) - 0xDC00);
			p += 6;
		}
		nul |= v == 0;
		if (v < 0x80) *o++ = v;
		else if (v < 0x800) *o++ = 0xC0 | v >> 6, *o++ = 0x80 | (v & 63);
		else if (v < 0x10000) *o++ = 0xE0 | v >> 12, *o++ = 0x80 | (v >> 6 & 63), *o++ = 0x80 | (v & 63);
		else *o++ = 0xF0 | v >> 18, *o++ = 0x80 | (v >> 12 & 63), *o++ = 0x80 | (v >> 6 & 63), *o++ = 0x80 | (v & 63);
	}
	return nul ? -1 : o - r->buffer;
}

static bool digit(const char *p, const char *end) { return p < end && *p >= '0' && *p <= '9'; }

static bool number_at(const char **at, const char *end) {
	const char *p = *at;
	if (*p == '-') p++;
	if (!digit(p, end)) goto bad;
	if (*p == '0') p++;
	else while (digit(p, end)) p++;
	if (p < end && *p == '.') {
		p++;
		if (!digit(p, end)) goto bad;
		while (digit(p, end)) p++;
	}
	if (p < end && (*p | 32) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-')) p++;
		if (!digit(p, end)) goto bad;
		while (digit(p, end)) p++;
	}
	*at = p;
	return true;
bad:
	*at = p;
	return false;
}

static bool word(const char **at, const char *end, const char *w, size_t n) {
	if ((size_t)(end - *at) < n || memcmp(*at, w, n)) return false;
	*at += n;
	return true;
}

// doubled marks all parts below a step: its key stands twice.
static void doubled(reader_t *r, int at) {
	for (int p = r->step[at].part; p >= 0; p = r->part[p].same) r->part[p].kind = 'd';
	for (int c = r->step[at].child; c >= 0; c = r->step[c].next) doubled(r, c);
}

static void found(reader_t *r, int at, char kind, const char *from, const char *to, bool escaped) {
	if (at < 0) return;
	for (int p = r->step[at].part; p >= 0; p = r->part[p].same) {
		part_t *part = &r->part[p];
		part->kind = kind;
		part->escaped = escaped;
		part->from = from;
		part->length = to - from;
	}
}

// member finds the step of a key. One that was there already is not looked into again.
static int member(reader_t *r, frame_t *f, const char *key, int64_t length, bool escaped) {
	if (f->step < 0) return -1;
	if (escaped) {
		if ((length = unescape(r, key, length)) < 0) return -1;
		key = r->buffer;
	}
	step_t *in = &r->step[f->step];
	if (!(in->keys & bit_of(key, length))) return -1;
	int c = in->likely;
	if (c < 0 || !same_key(&r->step[c], key, length)) {
		c = in->child;
		while (c >= 0 && !same_key(&r->step[c], key, length)) c = r->step[c].next;
		if (c < 0) return -1;
	}
	in->likely = r->step[c].next >= 0 ? r->step[c].next : in->child;
	if (r->step[c].seen == f->number) {
		doubled(r, c);
		return -1;
	}
	r->step[c].seen = f->number;
	return c;
}

static int element(reader_t *r, frame_t *f) {
	if (f->step < 0) return -1;
	int c = r->step[f->step].child;
	while (c >= 0 && (r->step[c].key || r->step[c].length != f->index)) c = r->step[c].next;
	return c;
}

// scan reads a whole text; 0 where it is JSON, else the 1-based place at which it is none.
static int64_t scan(reader_t *r, const char *text_, int64_t length, frame_t *stack) {
	const char *p = text_, *end = text_ + length;
	int depth = 0, at = 0; // at: the step of the value that comes
	for (;;) {
		while (p < end && space(*p)) p++;
		if (p == end) goto bad;
		const char *from = p;
		bool escaped;
		char kind;
		frame_t *f;
		switch (*p) {
		case '{':
		case '[':
			if (depth == MAX_DEPTH) goto bad;
			f = &stack[depth++];
			f->object = *p == '{';
			f->step = f->found = at;
			f->index = 0;
			f->number = ++r->objects;
			f->from = p++;
			while (p < end && space(*p)) p++;
			if (p == end) goto bad;
			if (*p == (f->object ? '}' : ']')) goto closed;
			if (f->object) goto key;
			at = element(r, f);
			continue;
		case '"':
			p++;
			if (!text(&p, end, &escaped)) goto bad;
			found(r, at, 's', from, p, escaped);
			break;
		case 't': if (!word(&p, end, "true", 4)) goto bad; kind = 'b'; goto scalar;
		case 'f': if (!word(&p, end, "false", 5)) goto bad; kind = 'b'; goto scalar;
		case 'n': if (!word(&p, end, "null", 4)) goto bad; kind = 'z'; goto scalar;
		default:
			if (*p != '-' && (*p < '0' || *p > '9')) goto bad;
			if (!number_at(&p, end)) goto bad;
			kind = 'n';
		scalar:
			found(r, at, kind, from, p, false);
		}
	next:
		while (p < end && space(*p)) p++;
		if (depth == 0) {
			if (p == end) return 0;
			goto bad;
		}
		if (p == end) goto bad;
		f = &stack[depth - 1];
		if (*p == (f->object ? '}' : ']')) goto closed;
		if (*p++ != ',') {
			p--;
			goto bad;
		}
		if (!f->object) {
			f->index++;
			at = element(r, f);
			continue;
		}
		while (p < end && space(*p)) p++;
		if (p == end) goto bad;
	key:
		if (*p != '"') goto bad;
		from = ++p;
		if (!text(&p, end, &escaped)) goto bad;
		at = member(r, f, from, p - 1 - from, escaped);
		while (p < end && space(*p)) p++;
		if (p == end || *p != ':') goto bad;
		p++;
		continue;
	closed:
		p++;
		depth--;
		found(r, f->step, f->object ? 'o' : 'a', f->from, p, false);
		goto next;
	}
bad:
	return p - text_ + 1;
}

// plain writes a number without exponent and needless zeros, so that 1e2 and 100.0 are 100. One that would become long
// stays as it is. Returns the length, -1 without memory.
static int64_t plain(reader_t *r, const char *p, int64_t length) {
	if (!reserve(r, length + MAX_PLAIN + 4)) return -1;
	const char *end = p + length, *q = p;
	char *o = r->buffer;
	while (q < end && *q != '.' && (*q | 32) != 'e') q++;
	if (q == end || length > MAX_PLAIN) {
		memcpy(o, p, length);
		return length;
	}
	char digits[MAX_PLAIN];
	int n = 0, whole = 0; // digits, and those before the point
	bool minus = *p == '-';
	for (q = p + minus; q < end && digit(q, end); q++) digits[n++] = *q;
	whole = n;
	if (q < end && *q == '.') for (q++; digit(q, end); q++) digits[n++] = *q;
	int64_t exponent = 0;
	if (q < end) {
		bool negative = *++q == '-';
		if (*q == '-' || *q == '+') q++;
		for (; q < end && exponent < 1000000; q++) exponent = exponent * 10 + *q - '0';
		if (negative) exponent = -exponent;
	}
	while (n > 0 && digits[n - 1] == '0') n--; // behind the last one that counts
	if (n == 0) exponent = 0, whole = 1;
	int64_t point = whole + exponent;
	if (point > MAX_PLAIN || point < -MAX_PLAIN / 2) {
		memcpy(o, p, length);
		return length;
	}
	if (minus) *o++ = '-';
	int i = 0;
	while (i < n && point > 1 && digits[i] == '0') i++, point--; // 0.01e5
	if (point <= 0) *o++ = '0';
	for (int64_t k = 0; k < point; k++) *o++ = i < n ? digits[i++] : '0';
	if (i < n) {
		*o++ = '.';
		for (int64_t k = point; k < 0; k++) *o++ = '0';
		while (i < n) *o++ = digits[i++];
	}
	return o - r->buffer;
}

static bool valid(uint64_t *v, idx_t i) { return !v || (v[i >> 6] >> (i & 63) & 1); }
static void set_valid(uint64_t *v, idx_t i) { v[i >> 6] |= (uint64_t)1 << (i & 63); }

static const char *str(duckdb_string_t *s, int64_t *len) {
	*len = s->value.inlined.length;
	return *len <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr;
}

// column is one member of the struct: texts, all of them null at first.
typedef struct {
	duckdb_vector vector;
	duckdb_string_t *values;
	uint64_t *valid;
} column;

static column column_of(duckdb_vector parent, idx_t i, idx_t n) {
	duckdb_vector v = duckdb_struct_vector_get_child(parent, i);
	duckdb_vector_ensure_validity_writable(v);
	column c = {v, duckdb_vector_get_data(v), duckdb_vector_get_validity(v)};
	memset(c.valid, 0, (n + 63) / 64 * 8);
	return c;
}

// write puts a text into a column, a short one without asking DuckDB for memory.
static void write(const column *c, idx_t i, const char *from, int64_t length) {
	set_valid(c->valid, i);
	if (length > 12) {
		duckdb_unsafe_vector_assign_string_element_len(c->vector, i, from, length);
		return;
	}
	memset(&c->values[i], 0, sizeof *c->values); // DuckDB compares what is behind a short text, too
	c->values[i].value.inlined.length = length;
	memcpy(c->values[i].value.inlined.inlined, from, length);
}

// put writes kind and text of a part. Returns false without memory.
static bool put(reader_t *r, part_t *part, const column *kind, const column *text, idx_t i) {
	const char *from = part->from;
	int64_t length = part->length;
	char form = part->form | 32;
	bool gone = part->kind == 'm' || (part->kind == 'z' && form != 'j') || (part->kind == 'd' && part->form == form) || !from || (form == 'v' && (*from == '{' || *from == '['));
	if (!gone && form != 'j' && *from == '"') {
		from++, length -= 2;
		if (part->escaped) {
			length = unescape(r, from, length);
			if (length == -2) return false;
			from = r->buffer;
			if (length < 0) part->kind = 'u', gone = true;
		}
	} else if (!gone && form == 'n' && part->kind == 'n') {
		if ((length = plain(r, from, length)) < 0) return false;
		from = r->buffer;
	}
	write(kind, i, &part->kind, 1);
	if (!gone) write(text, i, from, length);
	return true;
}

static int64_t digits(char *to, int64_t n) {
	char b[20];
	int64_t len = 0;
	do b[len++] = '0' + n % 10; while (n /= 10);
	for (int64_t i = 0; i < len; i++) to[i] = b[len - 1 - i];
	return len;
}

typedef struct {
	uint64_t offset, length;
} list_entry;

// read_chunk returns false without memory.
static bool read_chunk(reader_t *r, frame_t *stack, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in), width = 1 + 2 * (idx_t)r->parts;
	duckdb_vector texts = duckdb_data_chunk_get_vector(in, 0);
	duckdb_string_t *docs = duckdb_vector_get_data(texts);
	uint64_t *present = duckdb_vector_get_validity(texts);
	duckdb_vector_ensure_validity_writable(out);
	uint64_t *records = duckdb_vector_get_validity(out);
	column *columns = malloc(width * sizeof *columns);
	bool enough = columns != NULL;
	for (idx_t k = 0; enough && k < width; k++) columns[k] = column_of(out, k, n);
	for (idx_t i = 0; enough && i < n; i++) {
		if (!valid(present, i)) {
			duckdb_validity_set_row_invalid(records, i);
			continue;
		}
		for (int k = 0; k < r->parts; k++) r->part[k].kind = 'm', r->part[k].from = NULL;
		int64_t length;
		const char *doc = str(&docs[i], &length);
		int64_t bad = scan(r, doc, length, stack);
		if (bad) {
			char place[20];
			write(&columns[0], i, place, digits(place, bad));
			continue;
		}
		for (int k = 0; enough && k < r->parts; k++) enough = put(r, &r->part[k], &columns[1 + 2 * k], &columns[2 + 2 * k], i);
	}
	free(columns);
	return enough;
}

static void json_read(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	if (!duckdb_data_chunk_get_size(in)) return;
	int64_t length;
	const char *spec = str((duckdb_string_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, 1)), &length);
	// No spec has more steps or parts than bytes.
	reader_t r = {calloc(length + 1, sizeof(step_t)), calloc(length + 1, sizeof(part_t)), 0, 0, 0, NULL, 0};
	frame_t *stack = malloc(MAX_DEPTH * sizeof *stack);
	bool enough = r.step && r.part && stack;
	if (enough) {
		compile(&r, spec, length);
		enough = read_chunk(&r, stack, in, out);
	}
	if (!enough) duckdb_scalar_function_set_error(info, "out of memory");
	free(r.step);
	free(r.part);
	free(r.buffer);
	free(stack);
}

// next_item finds the end of the element of a list of valid JSON that begins at p, or of none.
static const char *next_item(const char *p) {
	int depth = 0;
	for (;; p++) {
		switch (*p) {
		case '"':
			for (p++; *p != '"'; p++) p += *p == '\\';
			break;
		case '{':
		case '[': depth++; break;
		case '}':
		case ']':
			if (!depth--) return p;
			break;
		case ',':
			if (!depth) return p;
		}
	}
}

// items writes the elements of a list behind the first *size places of a list vector. Returns false without memory.
static bool items(duckdb_vector out, const char *p, const char *end, idx_t *size) {
	for (p++; p < end; p++) {
		while (space(*p)) p++;
		const char *to = next_item(p), *last = to;
		while (last > p && space(last[-1])) last--;
		if (last == p) return true; // an empty list
		if (duckdb_list_vector_reserve(out, *size + 1) == DuckDBError) return false;
		duckdb_unsafe_vector_assign_string_element_len(duckdb_list_vector_get_child(out), (*size)++, p, last - p);
		p = to;
		if (*p == ']') return true;
	}
	return true;
}

// json_items(text) → the elements of a JSON list, as they are written; NULL for anything else.
static void json_items(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in), size = 0;
	if (!n) return;
	duckdb_vector texts = duckdb_data_chunk_get_vector(in, 0);
	duckdb_string_t *docs = duckdb_vector_get_data(texts);
	uint64_t *present = duckdb_vector_get_validity(texts);
	duckdb_vector_ensure_validity_writable(out);
	uint64_t *lists = duckdb_vector_get_validity(out);
	list_entry *entries = duckdb_vector_get_data(out);
	step_t root = {NULL, 0, -1, -1, -1, -1, 0, 0};
	reader_t r = {&root, NULL, 1, 0, 0, NULL, 0};
	frame_t *stack = malloc(MAX_DEPTH * sizeof *stack);
	bool enough = stack != NULL;
	for (idx_t i = 0; enough && i < n; i++) {
		int64_t length = 0;
		const char *doc = valid(present, i) ? str(&docs[i], &length) : NULL, *end = doc + length;
		const char *p = doc;
		while (p < end && space(*p)) p++;
		entries[i].offset = size;
		entries[i].length = 0;
		if (!doc || p == end || *p != '[' || scan(&r, doc, length, stack)) duckdb_validity_set_row_invalid(lists, i);
		else enough = items(out, p, end, &size);
		entries[i].length = size - entries[i].offset;
	}
	if (!enough || duckdb_list_vector_set_size(out, size) == DuckDBError) duckdb_scalar_function_set_error(info, "out of memory");
	free(stack);
}

// narrow writes a text with one element as all that is in the array of its one part. Returns the length, -1 without memory.
static int64_t narrow(reader_t *r, const char *doc, int64_t length, const char *item, int64_t size) {
	const part_t *array = &r->part[0];
	int64_t before = array->from - doc + 1, behind = length - before - array->length + 2; // with the brackets
	if (!reserve(r, before + size + behind)) return -1;
	memcpy(r->buffer, doc, before);
	memcpy(r->buffer + before, item, size);
	memcpy(r->buffer + before + size, doc + length - behind, behind);
	return before + size + behind;
}

// json_narrow(text, spec, item) → the text with the item as the only element of the array that the spec names; the text as it is
// where there is no item, or no array.
static void json_narrow(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
	idx_t n = duckdb_data_chunk_get_size(in);
	if (!n) return;
	duckdb_string_t *data[3];
	uint64_t *present[3];
	for (int i = 0; i < 3; i++) {
		duckdb_vector v = duckdb_data_chunk_get_vector(in, i);
		data[i] = duckdb_vector_get_data(v);
		present[i] = duckdb_vector_get_validity(v);
	}
	duckdb_vector_ensure_validity_writable(out);
	uint64_t *texts = duckdb_vector_get_validity(out);
	int64_t length;
	const char *spec = str(data[1], &length);
	reader_t r = {calloc(length + 1, sizeof(step_t)), calloc(length + 1, sizeof(part_t)), 0, 0, 0, NULL, 0};
	frame_t *stack = malloc(MAX_DEPTH * sizeof *stack);
	bool enough = r.step && r.part && stack;
	if (enough) compile(&r, spec, length);
	const char *last = NULL; // elements of one text follow each other: it is read once
	for (idx_t i = 0; enough && i < n; i++) {
		if (!valid(present[0], i)) {
			duckdb_validity_set_row_invalid(texts, i);
			continue;
		}
		const char *doc = str(&data[0][i], &length), *result = doc;
		if (valid(present[2], i)) {
			if (doc != last) {
				r.part[0].kind = 'm';
				if (scan(&r, doc, length, stack)) r.part[0].kind = 'm';
			}
			last = doc;
			if (r.part[0].kind == 'a') {
				int64_t size;
				const char *item = str(&data[2][i], &size);
				enough = (length = narrow(&r, doc, length, item, size)) >= 0;
				result = r.buffer;
			}
		}
		if (enough) duckdb_unsafe_vector_assign_string_element_len(out, i, result, length);
	}
	if (!enough) duckdb_scalar_function_set_error(info, "out of memory");
	free(r.step);
	free(r.part);
	free(r.buffer);
	free(stack);
}

static int reg_json(duckdb_connection con, const char *name, duckdb_scalar_function_t fn, int params, duckdb_logical_type result) {
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_scalar_function_set_name(f, name);
	duckdb_logical_type varchar = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	for (int i = 0; i < params; i++) duckdb_scalar_function_add_parameter(f, varchar);
	duckdb_scalar_function_set_return_type(f, result);
	duckdb_scalar_function_set_special_handling(f);
	duckdb_scalar_function_set_function(f, fn);
	int rc = duckdb_register_scalar_function(con, f);
	duckdb_destroy_scalar_function(&f);
	duckdb_destroy_logical_type(&varchar);
	duckdb_destroy_logical_type(&result);
	return rc;
}

int spark_register_json(duckdb_connection con) {
	duckdb_logical_type varchar = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR), list = duckdb_create_list_type(varchar);
	return reg_json(con, "json_items", json_items, 1, list) | reg_json(con, "json_narrow", json_narrow, 3, varchar);
}

int spark_register_json_read(duckdb_connection con, int parts) {
	enum { LONGEST = 20 };
	int width = 1 + 2 * parts;
	duckdb_logical_type varchar = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR), *types = malloc(width * sizeof *types);
	char *texts = malloc((size_t)width * LONGEST), function[LONGEST];
	const char **names = malloc(width * sizeof *names);
	int rc = 1;
	if (types && texts && names) {
		for (int i = 0; i < width; i++) {
			char *name = &texts[i * LONGEST];
			if (i == 0) strcpy(name, "place");
			else snprintf(name, LONGEST, "%s%d", i % 2 ? "kind" : "part", (i + 1) / 2);
			types[i] = varchar;
			names[i] = name;
		}
		snprintf(function, LONGEST, "json_read_%d", parts);
		rc = reg_json(con, function, json_read, 2, duckdb_create_struct_type(types, names, width));
	}
	duckdb_destroy_logical_type(&varchar);
	free(types);
	free(texts);
	free(names);
	return rc;
}
