// The loops around and inside of layers that no library has: too small for one, or fused where a library would
// pass over an activation several times.
//
// They are C because Swift has no function multiversioning: each is compiled for three levels of x86-64 and picked
// when the program is loaded, so one binary runs anywhere and uses AVX-512 where there is some.
#ifndef MIO_DENSE_LOOPS_H
#define MIO_DENSE_LOOPS_H

#include "mio_activations.h"
#include "mio_attention.h"
#include "mio_convolutions.h"
#include "mio_images.h"
#include "mio_losses.h"
#include "mio_merges.h"
#include "mio_noise.h"
#include "mio_normalization.h"
#include "mio_products.h"
#include "mio_recurrent.h"

#endif
