/* For the parts of libwebp that print: they are compiled, never called, and not linked. */
#ifndef WEIR_STDIO_H
#define WEIR_STDIO_H

#include <stddef.h>

typedef struct FILE FILE;
extern FILE* const stderr;
int fprintf(FILE* restrict file, const char* restrict format, ...);
int snprintf(char* restrict to, size_t length, const char* restrict format, ...);

#endif
