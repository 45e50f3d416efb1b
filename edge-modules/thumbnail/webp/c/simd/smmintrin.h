/* The intrinsics of SSSE3 and SSE4.1 that libwebp uses; see emmintrin.h. */
#ifndef WEIR_SMMINTRIN_H
#define WEIR_SMMINTRIN_H

#include <emmintrin.h>

WEIR_SIMD __m128i _mm_abs_epi16(__m128i a) { return wasm_i16x8_abs(a); }
/* a where b is positive, 0 where it is 0, -a where it is negative. */
WEIR_SIMD __m128i _mm_sign_epi16(__m128i a, __m128i b) {
  __m128i negative = wasm_i16x8_shr(b, 15);
  __m128i signed_a = wasm_i16x8_sub(wasm_v128_xor(a, negative), negative);
  return wasm_v128_andnot(signed_a, wasm_i16x8_eq(b, _mm_setzero_si128()));
}
WEIR_SIMD __m128i _mm_hadd_epi32(__m128i a, __m128i b) {
  return wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), wasm_i32x4_shuffle(a, b, 1, 3, 5, 7));
}
/* An index with its highest bit set gives 0; of others the lowest four bits count. */
WEIR_SIMD __m128i _mm_shuffle_epi8(__m128i a, __m128i order) {
  return wasm_i8x16_swizzle(a, wasm_v128_and(order, wasm_i8x16_splat((char)0x8f)));
}
WEIR_SIMD __m128i _mm_mullo_epi32(__m128i a, __m128i b) { return wasm_i32x4_mul(a, b); }
WEIR_SIMD __m128i _mm_cvtepu8_epi16(__m128i a) { return wasm_u16x8_extend_low_u8x16(a); }
#define _mm_extract_epi8(a, lane) ((int)wasm_u8x16_extract_lane((a), (lane)))
/* b in the lanes whose bit is set. */
#define WEIR_CHOSEN(mask, lane) ((mask) & (1 << (lane)) ? 8 + (lane) : (lane))
#define _mm_blend_epi16(a, b, mask)                                                                                    \
  wasm_i16x8_shuffle((a), (b), WEIR_CHOSEN(mask, 0), WEIR_CHOSEN(mask, 1), WEIR_CHOSEN(mask, 2), WEIR_CHOSEN(mask, 3),  \
                     WEIR_CHOSEN(mask, 4), WEIR_CHOSEN(mask, 5), WEIR_CHOSEN(mask, 6), WEIR_CHOSEN(mask, 7))
WEIR_SIMD __m128i _mm_blendv_epi8(__m128i a, __m128i b, __m128i mask) {
  return wasm_v128_bitselect(b, a, wasm_i8x16_shr(mask, 7));
}

#endif
