/* What libwebp uses of <stdlib.h>. The functions are in the C library that Rust brings for its WebAssembly target. */
#ifndef WEIR_STDLIB_H
#define WEIR_STDLIB_H

#include <stddef.h>

void* malloc(size_t size);
void* calloc(size_t count, size_t size);
void* realloc(void* memory, size_t size);
void free(void* memory);
void abort(void) __attribute__((noreturn));
int abs(int value);
void qsort(void* items, size_t count, size_t size, int (*compare)(const void*, const void*));
void* bsearch(const void* key, const void* items, size_t count, size_t size, int (*compare)(const void*, const void*));

#endif
