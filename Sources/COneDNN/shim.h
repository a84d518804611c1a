#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>

// The number of threads belongs to oneDNN's OpenMP runtime, whichever it was built with: look the function up in the
// running program instead of linking to one runtime. A oneDNN without OpenMP has one thread: nothing to set.
static inline void mio_set_openmp_threads(int threads) {
    void (*set)(int) = (void (*)(int))dlsym(((void *)0) /* RTLD_DEFAULT, which needs _GNU_SOURCE */, "omp_set_num_threads");
    if (set) set(threads);
}
