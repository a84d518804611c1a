// oneDNN's C interface, and what Swift cannot reach in it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>

// oneDNN has no call of its own for the number of threads: it is that of the OpenMP runtime it was linked with. Found
// by name at run time, so that nothing but oneDNN decides which runtime that is. A build without OpenMP has none.
static inline void mio_set_threads(int count) {
    void (*set_threads)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (set_threads) set_threads(count);
}
