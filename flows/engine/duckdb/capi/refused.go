package capi

// #include <stdint.h>
// #include <stdlib.h>
import "C"

import "runtime/cgo"

//export sparkRefused
func sparkRefused(handle C.uintptr_t, id, code C.int32_t, raw *C.char, rawLen C.int64_t, file *C.char, fileLen C.int64_t, record C.int64_t, why *C.char, whyLen C.int64_t) *C.char {
	d, ok := cgo.Handle(handle).Value().(*DB)
	if !ok || d.refused == nil {
		return C.CString("a record was refused and nobody takes it")
	}
	err := d.refused(Refused{ID: int(id), Code: int(code), Raw: C.GoStringN(raw, C.int(rawLen)),
		File: C.GoStringN(file, C.int(fileLen)), Record: int64(record), Why: C.GoStringN(why, C.int(whyLen))})
	if err != nil {
		return C.CString(err.Error())
	}
	return nil
}

//export sparkSampled
func sparkSampled(handle C.uintptr_t, id C.int32_t, record *C.char, length C.int64_t) {
	if d, ok := cgo.Handle(handle).Value().(*DB); ok && d.sampled != nil {
		d.sampled(int(id), C.GoStringN(record, C.int(length)))
	}
}
