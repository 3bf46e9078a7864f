#pragma once
#include "duck.h"

// Registers fork_at and fork_to on the database of con, which has to live as long as statements call them. handle is the cgo
// handle of the Go side. Returns 0 when all went well.
int spark_register_fork(duckdb_connection con, uintptr_t handle);
