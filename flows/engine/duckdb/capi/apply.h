#pragma once
#include "duck.h"

// Registers go_apply and go_apply_random on the database of con, whose Go side is handle. Returns 0 when all went well.
int spark_register_apply(duckdb_connection con, uintptr_t handle);
