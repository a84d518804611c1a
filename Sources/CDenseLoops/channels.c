#include "clones.h"

// Tiles of both axes that stay in the first-level cache.
enum { tile = 16 };

MIO_INLINE void transpose_plane(
    bool to_first, int64_t pixels, int64_t lanes, int64_t channels, const float *x, float *y, bool adds) {
    for (int64_t pixel = 0; pixel < pixels; pixel += tile) {
        int64_t last_pixel = pixels - pixel < tile ? pixels : pixel + tile;
        for (int64_t lane = 0; lane < channels; lane += tile) {
            int64_t last_lane = channels - lane < tile ? channels : lane + tile;
            for (int64_t i = lane; i < last_lane; i++) {
                for (int64_t j = pixel; j < last_pixel; j++) {
                    float value = to_first ? x[j * lanes + i] : x[i * pixels + j];
                    float *target = to_first ? y + i * pixels + j : y + j * lanes + i;
                    *target = adds ? *target + value : value;
                }
            }
        }
    }
    if (to_first) return;
    // Sums over what the channels do not fill must not see what lay there.
    for (int64_t pixel = 0; pixel < pixels && channels < lanes; pixel++)
        for (int64_t lane = channels; lane < lanes; lane++) y[pixel * lanes + lane] = 0.0f;
}

MIO_CLONES void mio_move_channels(
    bool to_first, const struct mio_pixels *p, int64_t channels, const float *x, float *y, bool adds) {
    for (int64_t sample = 0; sample < p->samples; sample++) {
        for (int64_t plane = 0; plane < p->planes; plane++) {
            int64_t rest = channels - plane * p->lanes, own = rest < p->lanes ? rest : p->lanes;
            transpose_plane(to_first, p->pixels, p->lanes, own, x, y, adds);
            x += p->pixels * (to_first ? p->lanes : own);
            y += p->pixels * (to_first ? own : p->lanes);
        }
    }
}

MIO_CLONES void mio_repeat_channels(int64_t count, int64_t times, const float *x, float *y) {
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < times; j++) y[i * times + j] = x[i];
}

MIO_CLONES void mio_sum_channels(int64_t count, int64_t times, const float *x, float *y, bool adds) {
    for (int64_t i = 0; i < count; i++) {
        float sum = 0;
        for (int64_t j = 0; j < times; j++) sum += x[i * times + j];
        y[i] = adds ? y[i] + sum : sum;
    }
}
