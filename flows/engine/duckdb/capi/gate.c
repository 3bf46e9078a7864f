#include "gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct spark_gate {
	pthread_mutex_t lock;
	bool shut;
	struct ArrowArrayStream inner, outer;
};

static int gate_schema(struct ArrowArrayStream *s, struct ArrowSchema *out) {
	spark_gate *g = s->private_data;
	pthread_mutex_lock(&g->lock);
	int rc = g->shut ? ECANCELED : g->inner.get_schema(&g->inner, out);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

static int gate_next(struct ArrowArrayStream *s, struct ArrowArray *out) {
	spark_gate *g = s->private_data;
	pthread_mutex_lock(&g->lock);
	int rc = g->shut ? ECANCELED : g->inner.get_next(&g->inner, out);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

static const char *gate_error(struct ArrowArrayStream *s) {
	spark_gate *g = s->private_data;
	pthread_mutex_lock(&g->lock);
	const char *e = g->shut ? "the reading has ended" : g->inner.get_last_error(&g->inner);
	pthread_mutex_unlock(&g->lock);
	return e;
}

// DuckDB's copies are no owners.
static void gate_release(struct ArrowArrayStream *s) { s->release = NULL; }

spark_gate *spark_gate_new(struct ArrowArrayStream **inner) {
	spark_gate *g = calloc(1, sizeof *g);
	if (!g) return NULL;
	if (pthread_mutex_init(&g->lock, NULL)) {
		free(g);
		return NULL;
	}
	g->outer = (struct ArrowArrayStream){gate_schema, gate_next, gate_error, gate_release, g};
	*inner = &g->inner;
	return g;
}

struct ArrowArrayStream *spark_gate_stream(spark_gate *g) { return &g->outer; }

void spark_gate_shut(spark_gate *g) {
	pthread_mutex_lock(&g->lock);
	if (!g->shut && g->inner.release) g->inner.release(&g->inner);
	g->shut = true;
	pthread_mutex_unlock(&g->lock);
}

void spark_gate_free(spark_gate *g) {
	pthread_mutex_destroy(&g->lock);
	free(g);
}
