#pragma once
#include "duck.h"

// Registers json_items and json_narrow on the database of con. Returns 0 when all went well.
int spark_register_json(duckdb_connection con);

// Registers json_read_<parts>. Returns 0 when all went well.
int spark_register_json_read(duckdb_connection con, int parts);
