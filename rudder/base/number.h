/* Numbers as text, with a point in every locale that the host program may have set. */
#ifndef RUD_BASE_NUMBER_H
#define RUD_BASE_NUMBER_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { RUD_NUMBER_SIZE = 40 };

/* The shortest text of 15, 16 or 17 digits that reads back as exactly `value`, which is finite.
 * Negative zero is "-0.0", as "-0" is an integer in JSON and would lose its sign. */
void rud_number_text(double value, char text[RUD_NUMBER_SIZE]);

/* At most `digits` (1 .. 17) significant digits of `value`, which is finite. */
void rud_number_rounded(double value, int digits, char text[RUD_NUMBER_SIZE]);

/* Reads a decimal number that is all of `text`: digits, point, sign and exponent; infinite where
 * no double is that large. False, and *value untouched, for anything else: blanks, hexadecimal,
 * nan, inf. */
bool rud_number_parse(const char *text, double *value);

#ifdef __cplusplus
}
#endif
#endif
