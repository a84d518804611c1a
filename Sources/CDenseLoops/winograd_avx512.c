// Winograd's convolution in 512-bit registers, of which there are 32.
#include "winograd.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
#endif

#define MIO_WIDTH 16
#define MIO_WINOGRAD(name) mio_winograd_16_##name
#include "winograd_passes.h"

#if defined(__x86_64__)
#pragma clang attribute pop
#endif
