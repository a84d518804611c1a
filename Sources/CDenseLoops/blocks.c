#include "clones.h"

// Up to sixteen lanes from x to y, or added there.
MIO_INLINE void move(const float *x, float *y, int64_t count, bool adds) {
    mio_lanes v = load_some(x, count);
    store_some(y, adds ? load_some(y, count) + v : v, count);
}

// Between a sample of (pixels, channels) and its [planes][pixels][lanes], pixel by pixel: so many streams are written, or
// read, as there are planes.
MIO_INLINE void move_sample(
    const int64_t lanes, bool to_blocks, bool adds, int64_t pixels, int64_t channels, const float *x, float *y) {
    int64_t whole = channels / lanes, rest = channels % lanes;
    for (int64_t pixel = 0; pixel < pixels; pixel++) {
        int64_t row = pixel * channels, block = pixel * lanes;
        for (int64_t plane = 0; plane < whole; plane++, row += lanes, block += pixels * lanes) {
            if (to_blocks) move(x + row, y + block, lanes, adds);
            else move(x + block, y + row, lanes, adds);
        }
        if (!rest) continue;
        if (!to_blocks) {
            move(x + block, y + row, rest, adds);
            continue;
        }
        move(x + row, y + block, rest, adds);
        // Sums over what the channels do not fill must not see what lay there.
        for (int64_t lane = rest; lane < lanes; lane++) y[block + lane] = 0.0f;
    }
}

MIO_CLONES void mio_move_blocks(
    bool to_blocks, int64_t samples, int64_t pixels, int64_t channels, int64_t lanes, const float *x, float *y,
    bool adds) {
    int64_t canonical = pixels * channels, blocked = (channels + lanes - 1) / lanes * lanes * pixels;
    for (int64_t sample = 0; sample < samples; sample++) {
        if (lanes == 16) move_sample(16, to_blocks, adds, pixels, channels, x, y);
        else if (lanes == 8) move_sample(8, to_blocks, adds, pixels, channels, x, y);
        else move_sample(lanes, to_blocks, adds, pixels, channels, x, y);
        x += to_blocks ? canonical : blocked;
        y += to_blocks ? blocked : canonical;
    }
}
