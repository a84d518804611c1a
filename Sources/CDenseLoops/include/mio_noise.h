// Dropout and noise, of random numbers that are counted and not drawn one after the other.
#ifndef MIO_NOISE_H
#define MIO_NOISE_H

#include <stdbool.h>
#include <stdint.h>

/// A sample of [planes][pixels][lanes], of which element (plane, pixel, lane) is number
/// pixel · channels + plane · lanes + lane in the order in which random numbers are drawn: MIOGraph's Dropout. Lanes and
/// channels are multiples of 4, or all of the sample is one pixel.
struct mio_drops {
    int64_t planes, pixels, lanes, channels;
    uint32_t key[2];
    /// Of 2³² words, those below it drop an element.
    uint64_t threshold;
    float scale;
    /// What is added to an element that stays, and what stands in the place of one that does not.
    float shift, dropped;
};

/// y (samples, planes, pixels, lanes) ← x · scale + shift, `dropped` where it is dropped; y += that if it adds. Four elements in that order
/// take the four words of a counter: the step, and above it the sample, from `first_sample` on, and the number of the four.
/// Source: Philox4x32-10, Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
void mio_dropout(
    const struct mio_drops *drops, uint64_t step, uint32_t first_sample, int64_t samples, const float *x,
    float *y, bool adds);

/// y ← x + n · deviation, or y ← or += x · (1 + n · deviation), over (samples, count): n are normal numbers (Box and Muller).
/// Four elements that follow each other take the four words of a counter, as above: two and two are a pair.
void mio_add_noise(
    const uint32_t key[2], uint64_t step, uint32_t first_sample, int64_t samples, int64_t count, float deviation,
    const float *x, float *y);
void mio_multiply_noise(
    const uint32_t key[2], uint64_t step, uint32_t first_sample, int64_t samples, int64_t count, float deviation,
    const float *x, float *y, bool adds);

#endif
