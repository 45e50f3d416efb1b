/* What libwebp uses of <math.h>. */
#ifndef WEIR_MATH_H
#define WEIR_MATH_H

double pow(double base, double exponent);
float powf(float base, float exponent);
double exp(double value);
float expf(float value);
double log(double value);
float logf(float value);
double log2(double value);
double log10(double value);
double sqrt(double value);
float sqrtf(float value);
double fabs(double value);
float fabsf(float value);
double floor(double value);
float floorf(float value);
double ceil(double value);

#endif
