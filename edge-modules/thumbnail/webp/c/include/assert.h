/* The encoder is built without assertions, as its makers release it. */
#ifndef WEIR_ASSERT_H
#define WEIR_ASSERT_H

#ifndef NDEBUG
#error "this folder's headers are for builds with NDEBUG"
#endif
#define assert(condition) ((void)0)

#endif
