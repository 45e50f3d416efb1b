/* Runs every intrinsic of c/simd over many inputs and prints a digest of each one's results. Built twice: with this package's
 * headers and with the compiler's own. */
#include <emmintrin.h>
#include <smmintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t digest;
static uint32_t seed;

static uint32_t chance(void) { return seed = seed * 1664525u + 1013904223u; }

static void note(__m128i a) {
  uint8_t bytes[16];
  _mm_storeu_si128((__m128i*)bytes, a);
  for (int i = 0; i < 16; i++) digest = (digest ^ bytes[i]) * 0x100000001b3u;
}

/* Bytes of any kind, with those among them where sums and products overflow. */
static __m128i any(void) {
  static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0x81, 0xfe, 0xff};
  uint8_t bytes[16];
  uint32_t kind = chance() >> 30;
  for (int i = 0; i < 16; i++) bytes[i] = kind ? (uint8_t)(chance() >> 24) : edges[(chance() >> 16) % 7];
  return _mm_loadu_si128((const __m128i*)bytes);
}

#define RUN(name, expression)                                    \
  do {                                                           \
    digest = 0xcbf29ce484222325u;                                \
    seed = 1;                                                    \
    for (int round = 0; round < 4000; round++) {                 \
      __m128i a = any(), b = any();                              \
      if (round % 16 == 0) b = a;                                \
      (void)b;                                                   \
      note(expression);                                          \
    }                                                            \
    printf("%s %016llx\n", name, (unsigned long long)digest);    \
  } while (0)
#define TWO(name) RUN(#name, name(a, b))
#define COUNT(name, n) RUN(#name " " #n, name(a, n))

static __m128i stored(__m128i a, __m128i b, int how) {
  uint8_t bytes[32] __attribute__((aligned(16)));
  _mm_store_si128((__m128i*)bytes, b);
  _mm_store_si128((__m128i*)(bytes + 16), b);
  if (how == 0) _mm_storeu_si128((__m128i*)(bytes + 3), a);
  if (how == 1) _mm_storel_epi64((__m128i*)(bytes + 5), a);
  if (how == 2) _mm_maskmoveu_si128(a, b, (char*)bytes);
  if (how == 3) return _mm_loadl_epi64((const __m128i*)(bytes + 7));
  return _mm_xor_si128(_mm_load_si128((const __m128i*)bytes), _mm_loadu_si128((const __m128i*)(bytes + 9)));
}

int main(void) {
  RUN("stores 0", stored(a, b, 0));
  RUN("stores 1", stored(a, b, 1));
  RUN("stores 2", stored(a, b, 2));
  RUN("loads 3", stored(a, b, 3));
  RUN("_mm_setzero_si128", _mm_setzero_si128());
  RUN("_mm_set1_epi8", _mm_set1_epi8((char)chance()));
  RUN("_mm_set1_epi16", _mm_set1_epi16((short)chance()));
  RUN("_mm_set1_epi32", _mm_set1_epi32((int)chance()));
  RUN("_mm_set_epi32", _mm_set_epi32(1, -2, 3, _mm_cvtsi128_si32(a)));
  RUN("_mm_set_epi16", _mm_set_epi16(1, -2, 3, -4, 5, -6, 7, (short)_mm_cvtsi128_si32(a)));
  RUN("_mm_setr_epi8", _mm_setr_epi8(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, (char)_mm_cvtsi128_si32(a)));
  RUN("_mm_set_epi8", _mm_set_epi8(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, (char)_mm_cvtsi128_si32(a)));
  RUN("_mm_cvtsi32_si128", _mm_cvtsi32_si128(_mm_cvtsi128_si32(a)));
  RUN("_mm_insert_epi16 0", _mm_insert_epi16(a, _mm_cvtsi128_si32(b), 0));
  RUN("_mm_insert_epi16 7", _mm_insert_epi16(a, _mm_cvtsi128_si32(b), 7));
  RUN("_mm_movemask_epi8", _mm_set1_epi32(_mm_movemask_epi8(a)));
  TWO(_mm_and_si128);
  TWO(_mm_or_si128);
  TWO(_mm_xor_si128);
  TWO(_mm_andnot_si128);
  TWO(_mm_add_epi8);
  TWO(_mm_add_epi16);
  TWO(_mm_add_epi32);
  TWO(_mm_add_epi64);
  TWO(_mm_sub_epi8);
  TWO(_mm_sub_epi16);
  TWO(_mm_sub_epi32);
  TWO(_mm_sub_epi64);
  TWO(_mm_adds_epi8);
  TWO(_mm_adds_epu8);
  TWO(_mm_adds_epi16);
  TWO(_mm_adds_epu16);
  TWO(_mm_subs_epi8);
  TWO(_mm_subs_epu8);
  TWO(_mm_subs_epi16);
  TWO(_mm_subs_epu16);
  TWO(_mm_avg_epu8);
  TWO(_mm_sad_epu8);
  TWO(_mm_mullo_epi16);
  TWO(_mm_madd_epi16);
  TWO(_mm_mulhi_epi16);
  TWO(_mm_mulhi_epu16);
  TWO(_mm_mul_epu32);
  TWO(_mm_cmpeq_epi8);
  TWO(_mm_cmpeq_epi16);
  TWO(_mm_cmpeq_epi32);
  TWO(_mm_cmpgt_epi8);
  TWO(_mm_cmpgt_epi16);
  TWO(_mm_cmpgt_epi32);
  TWO(_mm_max_epi16);
  TWO(_mm_min_epi16);
  TWO(_mm_max_epu8);
  TWO(_mm_min_epu8);
  COUNT(_mm_slli_epi16, 3);
  COUNT(_mm_slli_epi16, 16);
  COUNT(_mm_srli_epi16, 5);
  COUNT(_mm_srli_epi16, 17);
  COUNT(_mm_srai_epi16, 7);
  COUNT(_mm_srai_epi16, 16);
  COUNT(_mm_srli_epi32, 9);
  COUNT(_mm_srli_epi32, 32);
  COUNT(_mm_srai_epi32, 17);
  COUNT(_mm_srai_epi32, 33);
  COUNT(_mm_slli_epi64, 32);
  COUNT(_mm_slli_epi64, 64);
  COUNT(_mm_srli_epi64, 15);
  COUNT(_mm_srli_epi64, 64);
  COUNT(_mm_srli_si128, 0);
  COUNT(_mm_srli_si128, 1);
  COUNT(_mm_srli_si128, 8);
  COUNT(_mm_srli_si128, 15);
  COUNT(_mm_slli_si128, 0);
  COUNT(_mm_slli_si128, 1);
  COUNT(_mm_slli_si128, 12);
  COUNT(_mm_slli_si128, 15);
  TWO(_mm_packs_epi16);
  TWO(_mm_packus_epi16);
  TWO(_mm_packs_epi32);
  TWO(_mm_unpacklo_epi8);
  TWO(_mm_unpackhi_epi8);
  TWO(_mm_unpacklo_epi16);
  TWO(_mm_unpackhi_epi16);
  TWO(_mm_unpacklo_epi32);
  TWO(_mm_unpackhi_epi32);
  TWO(_mm_unpacklo_epi64);
  TWO(_mm_unpackhi_epi64);
  COUNT(_mm_shuffle_epi32, _MM_SHUFFLE(0, 3, 1, 2));
  COUNT(_mm_shuffle_epi32, _MM_SHUFFLE(2, 2, 0, 0));
  COUNT(_mm_shufflelo_epi16, _MM_SHUFFLE(0, 3, 1, 2));
  COUNT(_mm_shufflehi_epi16, _MM_SHUFFLE(3, 0, 2, 1));
  RUN("_mm_abs_epi16", _mm_abs_epi16(a));
  TWO(_mm_sign_epi16);
  TWO(_mm_hadd_epi32);
  TWO(_mm_shuffle_epi8);
  TWO(_mm_mullo_epi32);
  RUN("_mm_cvtepu8_epi16", _mm_cvtepu8_epi16(a));
  RUN("_mm_extract_epi8", _mm_set1_epi32(_mm_extract_epi8(a, 0) + 256 * _mm_extract_epi8(b, 15)));
  RUN("_mm_blend_epi16", _mm_blend_epi16(a, b, 0x59));
  RUN("_mm_blendv_epi8", _mm_blendv_epi8(a, b, _mm_add_epi8(a, b)));
  return 0;
}
