package capi

/*
#include "json.h"
*/
import "C"

import (
	"errors"
	"regexp"
	"strconv"
)

// maxParts is more than fit into the longest expression.
const maxParts = 10_000

// jsonRead finds the functions that are one for each number of parts.
var jsonRead = regexp.MustCompile(`\bjson_read_(\d{1,5})\(`)

// declare makes the functions of jsonRead that a statement names and the database does not have yet: the type that a
// function of DuckDB returns is fixed. A transaction that began before does not see them: nobody begins one.
func (d *DB) declare(sql string) error {
	for _, found := range jsonRead.FindAllStringSubmatch(sql, -1) {
		if n, _ := strconv.Atoi(found[1]); n <= maxParts {
			if err := d.declareParts(n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *DB) declareParts(n int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.parts[n] {
		return nil
	}
	c, err := d.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	if C.spark_register_json_read(c.ptr(), C.int(n)) != 0 {
		return errors.New("duckdb: json_read could not be registered")
	}
	if d.parts == nil {
		d.parts = map[int]bool{}
	}
	d.parts[n] = true
	return nil
}
