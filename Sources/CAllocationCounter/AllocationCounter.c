#define _GNU_SOURCE // for RTLD_NEXT
#include "CAllocationCounter.h"

#if defined(__GLIBC__) || defined(__linux__)
#include <features.h>
#endif

#if defined(__GLIBC__)

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

// A definition of malloc in the program itself comes before the C library's for everything in the process, the
// shared libraries included. Each counts and passes on to glibc's own functions, which it exports under second
// names; so the memory is glibc's, and free, which is not counted, needs no definition here.

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void *__libc_valloc(size_t size);
extern void *__libc_pvalloc(size_t size);

// The initial-exec model: reading it allocates nothing, as the default might on a thread's first access.
static __thread int64_t allocations __attribute__((tls_model("initial-exec")));

int32_t mio_counts_allocations(void) { return 1; }

int64_t mio_thread_allocations(void) { return allocations; }

static __thread int64_t allocations_in_onednn __attribute__((tls_model("initial-exec")));

int64_t mio_thread_allocations_in_onednn(void) { return allocations_in_onednn; }

/// oneDNN's function of this name, between two looks at the counter: as with malloc, the program's own definition
/// comes first. The types are those of its header, which this file does without.
int dnnl_primitive_execute(const void *primitive, void *stream, int count, const void *arguments) {
    static int (*execute)(const void *, void *, int, const void *);
    if (execute == NULL) {
        // POSIX' own way to turn what dlsym returns into a function.
        *(void **)&execute = dlsym(RTLD_NEXT, "dnnl_primitive_execute");
        if (execute == NULL) return 5; // dnnl_runtime_error
    }
    int64_t before = allocations;
    int status = execute(primitive, stream, count, arguments);
    allocations_in_onednn += allocations - before;
    return status;
}

/// The same of its matrix product.
int dnnl_sgemm(
    char transposes_a, char transposes_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t a_stride,
    const float *b, int64_t b_stride, float beta, float *c, int64_t c_stride) {
    static int (*multiply)(
        char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t, float, float *,
        int64_t);
    if (multiply == NULL) {
        *(void **)&multiply = dlsym(RTLD_NEXT, "dnnl_sgemm");
        if (multiply == NULL) return 5;
    }
    int64_t before = allocations;
    int status = multiply(transposes_a, transposes_b, m, n, k, alpha, a, a_stride, b, b_stride, beta, c, c_stride);
    allocations_in_onednn += allocations - before;
    return status;
}

void *malloc(size_t size) {
    ++allocations;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    ++allocations;
    return __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size) {
    ++allocations;
    return __libc_realloc(pointer, size);
}

void *memalign(size_t alignment, size_t size) {
    ++allocations;
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    ++allocations;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size) {
    ++allocations;
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL) return ENOMEM;
    *pointer = memory;
    return 0;
}

void *valloc(size_t size) {
    ++allocations;
    return __libc_valloc(size);
}

void *pvalloc(size_t size) {
    ++allocations;
    return __libc_pvalloc(size);
}

#else

int32_t mio_counts_allocations(void) { return 0; }

int64_t mio_thread_allocations(void) { return 0; }

int64_t mio_thread_allocations_in_onednn(void) { return 0; }

#endif
