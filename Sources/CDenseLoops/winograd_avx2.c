// Winograd's convolution in 256-bit registers, of which there are 16.
#include "winograd.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#endif

#define MIO_WIDTH 8
#define MIO_WINOGRAD(name) mio_winograd_8_##name
#include "winograd_passes.h"

#if defined(__x86_64__)
#pragma clang attribute pop
#endif
