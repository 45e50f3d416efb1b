/* WebAssembly's SIMD one lane at a time, as its specification says, so that the headers in c/simd can be run on any machine. */
#ifndef WEIR_SCALAR_WASM_SIMD128_H
#define WEIR_SCALAR_WASM_SIMD128_H

#include <stdint.h>
#include <string.h>

typedef union {
  int8_t i8[16];
  uint8_t u8[16];
  int16_t i16[8];
  uint16_t u16[8];
  int32_t i32[4];
  uint32_t u32[4];
  int64_t i64[2];
  uint64_t u64[2];
} v128_t;

static int64_t clamp(int64_t value, int64_t least, int64_t most) { return value < least ? least : value > most ? most : value; }

#define LANES(field) (int)(16 / sizeof(((v128_t*)0)->field[0]))
#define EACH(name, field, expression)                                   \
  static inline v128_t name(v128_t a, v128_t b) {                       \
    v128_t r;                                                           \
    for (int i = 0; i < LANES(field); i++) r.field[i] = (expression);   \
    return r;                                                           \
  }
#define SHIFT(name, field, operator)                                                                     \
  static inline v128_t name(v128_t a, int n) {                                                           \
    v128_t r;                                                                                            \
    for (int i = 0; i < LANES(field); i++) r.field[i] = a.field[i] operator(n & (128 / LANES(field) - 1)); \
    return r;                                                                                            \
  }

EACH(wasm_v128_and, u64, a.u64[i] & b.u64[i])
EACH(wasm_v128_or, u64, a.u64[i] | b.u64[i])
EACH(wasm_v128_xor, u64, a.u64[i] ^ b.u64[i])
EACH(wasm_v128_andnot, u64, a.u64[i] & ~b.u64[i])
EACH(wasm_i8x16_add, u8, a.u8[i] + b.u8[i])
EACH(wasm_i16x8_add, u16, a.u16[i] + b.u16[i])
EACH(wasm_i32x4_add, u32, a.u32[i] + b.u32[i])
EACH(wasm_i64x2_add, u64, a.u64[i] + b.u64[i])
EACH(wasm_i8x16_sub, u8, a.u8[i] - b.u8[i])
EACH(wasm_i16x8_sub, u16, a.u16[i] - b.u16[i])
EACH(wasm_i32x4_sub, u32, a.u32[i] - b.u32[i])
EACH(wasm_i64x2_sub, u64, a.u64[i] - b.u64[i])
EACH(wasm_i8x16_add_sat, i8, (int8_t)clamp(a.i8[i] + b.i8[i], -128, 127))
EACH(wasm_u8x16_add_sat, u8, (uint8_t)clamp(a.u8[i] + b.u8[i], 0, 255))
EACH(wasm_i16x8_add_sat, i16, (int16_t)clamp(a.i16[i] + b.i16[i], -32768, 32767))
EACH(wasm_u16x8_add_sat, u16, (uint16_t)clamp(a.u16[i] + b.u16[i], 0, 65535))
EACH(wasm_i8x16_sub_sat, i8, (int8_t)clamp(a.i8[i] - b.i8[i], -128, 127))
EACH(wasm_u8x16_sub_sat, u8, (uint8_t)clamp(a.u8[i] - b.u8[i], 0, 255))
EACH(wasm_i16x8_sub_sat, i16, (int16_t)clamp(a.i16[i] - b.i16[i], -32768, 32767))
EACH(wasm_u16x8_sub_sat, u16, (uint16_t)clamp(a.u16[i] - b.u16[i], 0, 65535))
EACH(wasm_u8x16_avgr, u8, (uint8_t)((a.u8[i] + b.u8[i] + 1) / 2))
EACH(wasm_i16x8_mul, u16, (uint16_t)((uint32_t)a.u16[i] * b.u16[i]))
EACH(wasm_i32x4_mul, u32, a.u32[i] * b.u32[i])
EACH(wasm_i32x4_dot_i16x8, u32, (uint32_t)(a.i16[2 * i] * b.i16[2 * i]) + (uint32_t)(a.i16[2 * i + 1] * b.i16[2 * i + 1]))
EACH(wasm_i32x4_extmul_low_i16x8, i32, a.i16[i] * b.i16[i])
EACH(wasm_i32x4_extmul_high_i16x8, i32, a.i16[i + 4] * b.i16[i + 4])
EACH(wasm_u32x4_extmul_low_u16x8, u32, (uint32_t)a.u16[i] * b.u16[i])
EACH(wasm_u32x4_extmul_high_u16x8, u32, (uint32_t)a.u16[i + 4] * b.u16[i + 4])
EACH(wasm_u64x2_extmul_low_u32x4, u64, (uint64_t)a.u32[i] * b.u32[i])
EACH(wasm_i8x16_eq, i8, a.i8[i] == b.i8[i] ? -1 : 0)
EACH(wasm_i16x8_eq, i16, a.i16[i] == b.i16[i] ? -1 : 0)
EACH(wasm_i32x4_eq, i32, a.i32[i] == b.i32[i] ? -1 : 0)
EACH(wasm_i8x16_gt, i8, a.i8[i] > b.i8[i] ? -1 : 0)
EACH(wasm_i16x8_gt, i16, a.i16[i] > b.i16[i] ? -1 : 0)
EACH(wasm_i32x4_gt, i32, a.i32[i] > b.i32[i] ? -1 : 0)
EACH(wasm_i16x8_max, i16, a.i16[i] > b.i16[i] ? a.i16[i] : b.i16[i])
EACH(wasm_i16x8_min, i16, a.i16[i] < b.i16[i] ? a.i16[i] : b.i16[i])
EACH(wasm_u8x16_max, u8, a.u8[i] > b.u8[i] ? a.u8[i] : b.u8[i])
EACH(wasm_u8x16_min, u8, a.u8[i] < b.u8[i] ? a.u8[i] : b.u8[i])
EACH(wasm_i8x16_narrow_i16x8, i8, (int8_t)clamp(i < 8 ? a.i16[i] : b.i16[i - 8], -128, 127))
EACH(wasm_u8x16_narrow_i16x8, u8, (uint8_t)clamp(i < 8 ? a.i16[i] : b.i16[i - 8], 0, 255))
EACH(wasm_i16x8_narrow_i32x4, i16, (int16_t)clamp(i < 4 ? a.i32[i] : b.i32[i - 4], -32768, 32767))
EACH(wasm_u16x8_narrow_i32x4, u16, (uint16_t)clamp(i < 4 ? a.i32[i] : b.i32[i - 4], 0, 65535))
EACH(wasm_i8x16_swizzle, u8, b.u8[i] < 16 ? a.u8[b.u8[i]] : 0)
SHIFT(wasm_i8x16_shr, i8, >>)
SHIFT(wasm_i16x8_shl, u16, <<)
SHIFT(wasm_i16x8_shr, i16, >>)
SHIFT(wasm_u16x8_shr, u16, >>)
SHIFT(wasm_i32x4_shr, i32, >>)
SHIFT(wasm_u32x4_shr, u32, >>)
SHIFT(wasm_i64x2_shl, u64, <<)
SHIFT(wasm_u64x2_shr, u64, >>)

#define ONE(name, field, expression)                                    \
  static inline v128_t name(v128_t a) {                                 \
    v128_t r;                                                           \
    for (int i = 0; i < LANES(field); i++) r.field[i] = (expression);   \
    return r;                                                           \
  }
ONE(wasm_i16x8_abs, i16, (int16_t)(a.i16[i] < 0 ? -a.i16[i] : a.i16[i]))
ONE(wasm_u16x8_extend_low_u8x16, u16, a.u8[i])
ONE(wasm_u16x8_extadd_pairwise_u8x16, u16, (uint16_t)(a.u8[2 * i] + a.u8[2 * i + 1]))
ONE(wasm_u32x4_extadd_pairwise_u16x8, u32, (uint32_t)a.u16[2 * i] + a.u16[2 * i + 1])

static inline v128_t wasm_v128_bitselect(v128_t a, v128_t b, v128_t mask) {
  return wasm_v128_or(wasm_v128_and(a, mask), wasm_v128_andnot(b, mask));
}
static inline uint32_t wasm_i8x16_bitmask(v128_t a) {
  uint32_t bits = 0;
  for (int i = 0; i < 16; i++) bits |= (uint32_t)(a.u8[i] >> 7) << i;
  return bits;
}

static inline v128_t wasm_v128_load(const void* from) {
  v128_t r;
  memcpy(&r, from, 16);
  return r;
}
static inline v128_t wasm_v128_load64_zero(const void* from) {
  v128_t r = {{0}};
  memcpy(&r, from, 8);
  return r;
}
static inline void wasm_v128_store(void* to, v128_t a) { memcpy(to, &a, 16); }
#define wasm_v128_store64_lane(to, a, lane) memcpy((to), &(a).u64[lane], 8)

#define MAKE(field, ...) ((v128_t){.field = {__VA_ARGS__}})
#define wasm_i64x2_const(...) MAKE(i64, __VA_ARGS__)
#define wasm_i32x4_const(...) MAKE(i32, __VA_ARGS__)
#define wasm_i32x4_make(...) MAKE(i32, __VA_ARGS__)
#define wasm_i16x8_make(...) MAKE(i16, __VA_ARGS__)
#define wasm_i8x16_make(...) MAKE(i8, __VA_ARGS__)
static inline v128_t wasm_i8x16_splat(int8_t x) { return MAKE(i8, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x); }
static inline v128_t wasm_i16x8_splat(int16_t x) { return MAKE(i16, x, x, x, x, x, x, x, x); }
static inline v128_t wasm_i32x4_splat(int32_t x) { return MAKE(i32, x, x, x, x); }
static inline v128_t wasm_i32x4_replace_lane(v128_t a, int lane, int32_t x) {
  a.i32[lane] = x;
  return a;
}
static inline v128_t wasm_i16x8_replace_lane(v128_t a, int lane, int16_t x) {
  a.i16[lane] = x;
  return a;
}
#define wasm_i32x4_extract_lane(a, lane) ((a).i32[lane])
#define wasm_u8x16_extract_lane(a, lane) ((a).u8[lane])

#define SHUFFLE(name, field)                                                              \
  static inline v128_t name(v128_t a, v128_t b, const int* from) {                        \
    v128_t r;                                                                             \
    const int lanes = LANES(field);                                                       \
    for (int i = 0; i < lanes; i++)                                                       \
      r.field[i] = from[i] < lanes ? a.field[from[i]] : b.field[from[i] - lanes];         \
    return r;                                                                             \
  }
SHUFFLE(shuffled_8, u8)
SHUFFLE(shuffled_16, u16)
SHUFFLE(shuffled_32, u32)
SHUFFLE(shuffled_64, u64)
#define wasm_i8x16_shuffle(a, b, ...) shuffled_8((a), (b), (const int[]){__VA_ARGS__})
#define wasm_i16x8_shuffle(a, b, ...) shuffled_16((a), (b), (const int[]){__VA_ARGS__})
#define wasm_i32x4_shuffle(a, b, ...) shuffled_32((a), (b), (const int[]){__VA_ARGS__})
#define wasm_i64x2_shuffle(a, b, ...) shuffled_64((a), (b), (const int[]){__VA_ARGS__})

#endif
