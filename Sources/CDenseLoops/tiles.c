// Convolutions on tiles, by the instructions that the processor has.
#include "tiles.h"
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel keeps the tiles' registers only for a process that has asked for them: arch_prctl(2).
enum { request_permission = 0x1023, tile_data = 18 };

static bool may_use_tiles(void) {
    unsigned a, b, c, d;
    if (!__builtin_cpu_supports("x86-64-v4") || !__builtin_cpu_supports("avx512bf16")) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const unsigned bfloat16 = 1u << 22, tiles = 1u << 24;
    return (d & bfloat16) && (d & tiles) && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

bool mio_has_tiles(void) {
    static int known = -1;
    int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (answer < 0) {
        answer = may_use_tiles();
        __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
    }
    return answer;
}
#define MIO_TILED(name) (mio_has_tiles() ? mio_tiled_amx_##name : mio_tiled_plain_##name)
#else
bool mio_has_tiles(void) { return false; }
#define MIO_TILED(name) mio_tiled_plain_##name
#endif

int64_t mio_tiled_scratch(const struct mio_tiled *t) { return MIO_TILED(scratch)(t); }

void mio_tiled_forward(
    const struct mio_tiled *t, const float *input, const float *filters, const float *bias, bool relu, float *output,
    float *scratch) {
    MIO_TILED(forward)(t, input, filters, bias, relu, output, scratch);
}

void mio_tiled_input_gradient(
    const struct mio_tiled *t, const float *output_gradient, const float *filters, bool passes_relu,
    float *bias_gradient, float *input_gradient, float *scratch) {
    MIO_TILED(input_gradient)(
        t, output_gradient, filters, passes_relu, bias_gradient, input_gradient, scratch);
}

void mio_tiled_filter_gradient(
    const struct mio_tiled *t, const float *input, const float *output_gradient, float *filter_gradient,
    float *scratch) {
    MIO_TILED(filter_gradient)(t, input, output_gradient, filter_gradient, scratch);
}
