#pragma once
#include "duck.h"

// Registers json_read, json_items and json_narrow on the database of con. Returns 0 when all went well.
int spark_register_json(duckdb_connection con);
