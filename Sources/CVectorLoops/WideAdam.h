// Adam's update with AVX-512, as far as whole vectors go.
#include "CVectorLoops.h"

// Updates the first elements like `mio_adam_update`, to the bit, and returns how many: none where the processor has no
// AVX-512.
size_t mio_wide_adam_update(size_t count, float *weights, const float *gradient, float *m, float *v,
                            mio_update_options options, float step_size, float gain_1, float gain_2,
                            float epsilon);
