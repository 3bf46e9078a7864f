#pragma once
#include "duck.h"

// Registers text_shape on the database of con. Returns 0 when all went well.
int spark_register_shape(duckdb_connection con);
