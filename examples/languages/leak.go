// SPDX-License-Identifier: LGPL-3.0-or-later

// What C allocates, Go does not collect. The report names the C function that allocated, and behind
// runtime.asmcgocall the functions of Go that called it.
//
//	go build -o leak leak.go
//	log-malloc -o leak.trace ./leak
//	log-malloc-findleak leak.trace
//
// With the tracker linked in, through a line of cgo that asks pkg-config: see docs/languages.md.
package main

/*
#include <stdlib.h>

static char *grown(size_t size)
{
	return malloc(size); // leaks
}
*/
import "C"

func remember(size int) *C.char {
	return C.grown(C.size_t(size))
}

func main() {
	for i := 1; i <= 3; i++ {
		remember(100 * i)
	}
	println("3 blocks")
}
