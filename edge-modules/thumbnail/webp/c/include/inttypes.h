/* libwebp wants the types alone. */
#include <stdint.h>
