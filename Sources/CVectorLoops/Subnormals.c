#include "CVectorLoops.h"

// Functions of their own, not inline: no arithmetic of the caller moves across a call.

#if defined(__x86_64__)
// Flush to zero, and denormals are zero.
enum { flushing = 1 << 15 | 1 << 6 };

mio_float_mode mio_flush_subnormals(void) {
    unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | flushing);
    return before;
}

void mio_restore_float_mode(mio_float_mode before) { __builtin_ia32_ldmxcsr((unsigned)before); }

#elif defined(__aarch64__)
mio_float_mode mio_flush_subnormals(void) {
    mio_float_mode before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | 1ull << 24));
    return before;
}

void mio_restore_float_mode(mio_float_mode before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }

#else
mio_float_mode mio_flush_subnormals(void) { return 0; }

void mio_restore_float_mode(mio_float_mode before) { (void)before; }
#endif
