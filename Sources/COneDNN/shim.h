#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// oneDNN 2 and 3 behind one interface. The two differ in how they describe memory and operations: version 2 has
// structures that the caller fills in, version 3 has objects of its own. onednn2.h and onednn3.h each define what is
// declared here. Everything else that mio calls is the same in both.

/// How a tensor lies in memory. It belongs to the caller of the function that made it.
typedef struct mio_memory_descriptor mio_memory_descriptor;

/// Makes the descriptor of a tensor.
static inline dnnl_status_t mio_memory_descriptor_create(
    mio_memory_descriptor **result, int rank, const int64_t *extents, dnnl_data_type_t type, dnnl_format_tag_t order);

/// Makes the descriptor of a tensor with a distance in elements between neighbours along each axis.
static inline dnnl_status_t mio_memory_descriptor_create_strided(
    mio_memory_descriptor **result, int rank, const int64_t *extents, const int64_t *strides, dnnl_data_type_t type);

static inline void mio_memory_descriptor_destroy(mio_memory_descriptor *descriptor);

/// Bytes of the tensor, the padding of its blocks included.
static inline size_t mio_memory_descriptor_bytes(const mio_memory_descriptor *descriptor);

static inline bool mio_memory_descriptors_are_equal(const mio_memory_descriptor *a, const mio_memory_descriptor *b);

/// Makes a copy of the descriptor of one of an operation's tensors.
/// `what` is dnnl_query_src_md or one of its kind.
static inline dnnl_status_t mio_primitive_memory_descriptor(
    mio_memory_descriptor **result, const_dnnl_primitive_desc_t primitive, dnnl_query_t what, int index);

/// Makes a memory object of a tensor at `pointer`.
static inline dnnl_status_t mio_memory_create(
    dnnl_memory_t *result, const mio_memory_descriptor *descriptor, dnnl_engine_t engine, void *pointer);

/// Makes the operation that copies a tensor from one order into another one.
static inline dnnl_status_t mio_reorder_create(
    dnnl_primitive_desc_t *result, const mio_memory_descriptor *from, const mio_memory_descriptor *to,
    dnnl_engine_t engine);

/// Adds a relu to what follows an operation.
static inline dnnl_status_t mio_append_relu(dnnl_post_ops_t operations);

/// Has an operation add its result to what is there.
static inline dnnl_status_t mio_append_sum(dnnl_post_ops_t operations);

/// Makes the operation c (m, n) ← a (m, k) · b (k, n), of oneDNN's first implementation.
static inline dnnl_status_t mio_product(
    dnnl_primitive_desc_t *result, const mio_memory_descriptor *a, const mio_memory_descriptor *b,
    const mio_memory_descriptor *c, dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes);

/// The tensors of a convolution or their gradients, and its window. None of the pointers is kept.
typedef struct {
    const mio_memory_descriptor *source;
    const mio_memory_descriptor *weights;
    /// NULL for none.
    const mio_memory_descriptor *bias;
    const mio_memory_descriptor *destination;
    /// Height, width.
    int64_t strides[2];
    /// Elements of the input between two neighbours of the kernel: 0 where they are neighbours there too.
    int64_t dilation[2];
    int64_t padding_before[2];
    int64_t padding_after[2];
} mio_convolution;

// Each of the next three makes the operation of the first implementation, in oneDNN's order, whose name does not begin
// with `avoided` (NULL: of the first one). Without any the status is not dnnl_success and `result` is not set.

/// destination ← source ⋆ weights + bias, for training.
static inline dnnl_status_t mio_convolution_forward(
    dnnl_primitive_desc_t *result, const mio_convolution *convolution, dnnl_alg_kind_t algorithm,
    dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes, const char *avoided);

/// Gradient of the weights, from source and the gradient of destination. `forward` is the operation of that pass.
static inline dnnl_status_t mio_convolution_backward_weights(
    dnnl_primitive_desc_t *result, const mio_convolution *convolution, dnnl_alg_kind_t algorithm,
    const_dnnl_primitive_desc_t forward, dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes,
    const char *avoided);

/// Gradient of source, from weights and the gradient of destination. `forward` is the operation of that pass.
static inline dnnl_status_t mio_convolution_backward_data(
    dnnl_primitive_desc_t *result, const mio_convolution *convolution, dnnl_alg_kind_t algorithm,
    const_dnnl_primitive_desc_t forward, dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes,
    const char *avoided);

/// The name of an operation's implementation, `jit:avx512_core`. It lives as long as the operation.
static inline const char *mio_implementation_name(const_dnnl_primitive_desc_t primitive) {
    const char *name = NULL;
    if (dnnl_primitive_desc_query(primitive, dnnl_query_impl_info_str, 0, &name) != dnnl_success) return "unknown";
    return name ? name : "unknown";
}

/// A convolution's window in arrays as long as oneDNN takes them.
typedef struct {
    dnnl_dims_t strides;
    dnnl_dims_t dilation;
    dnnl_dims_t padding_before;
    dnnl_dims_t padding_after;
} mio_window;

static inline mio_window mio_window_of(const mio_convolution *convolution) {
    mio_window window = {{0}, {0}, {0}, {0}};
    for (int axis = 0; axis < 2; ++axis) {
        window.strides[axis] = convolution->strides[axis];
        window.dilation[axis] = convolution->dilation[axis];
        window.padding_before[axis] = convolution->padding_before[axis];
        window.padding_after[axis] = convolution->padding_after[axis];
    }
    return window;
}

static inline bool mio_is_avoided(const_dnnl_primitive_desc_t primitive, const char *avoided) {
    return avoided && strncmp(mio_implementation_name(primitive), avoided, strlen(avoided)) == 0;
}

/// Sets the number of threads that oneDNN uses for operations of the calling thread. It belongs to the OpenMP runtime
/// of oneDNN, whichever that is: the function is looked up in the running program instead of linking to one runtime.
/// A oneDNN without OpenMP has one thread, and nothing to set.
static inline void mio_set_openmp_threads(int threads) {
    void (*set)(int) = (void (*)(int))dlsym(((void *)0) /* RTLD_DEFAULT, which needs _GNU_SOURCE */, "omp_set_num_threads");
    if (set) set(threads);
}

/// Whether oneDNN has Winograd convolutions here: 2.6 and 3.1 have, on AVX-512; 3.7 has none.
static inline bool mio_onednn_has_winograd(dnnl_engine_t engine);

#if DNNL_VERSION_MAJOR >= 3
#include "onednn3.h"
#else
#include "onednn2.h"
#endif

static inline bool mio_onednn_has_winograd(dnnl_engine_t engine) {
    // It is asked for one. Images in blocks of 16 channels are the ones that it has been made for.
    const int64_t image[] = {1, 16, 34, 34}, kernel[] = {16, 16, 3, 3}, result[] = {1, 16, 32, 32};
    mio_memory_descriptor *source = NULL, *weights = NULL, *destination = NULL;
    dnnl_primitive_desc_t found = NULL;
    if (mio_memory_descriptor_create(&source, 4, image, dnnl_f32, dnnl_aBcd16b) == dnnl_success &&
        mio_memory_descriptor_create(&weights, 4, kernel, dnnl_f32, dnnl_format_tag_any) == dnnl_success &&
        mio_memory_descriptor_create(&destination, 4, result, dnnl_f32, dnnl_aBcd16b) == dnnl_success) {
        const mio_convolution convolution = {source, weights, NULL, destination, {1, 1}, {0, 0}, {0, 0}, {0, 0}};
        mio_convolution_forward(&found, &convolution, dnnl_convolution_winograd, engine, NULL, NULL);
    }
    if (found) dnnl_primitive_desc_destroy(found);
    if (source) mio_memory_descriptor_destroy(source);
    if (weights) mio_memory_descriptor_destroy(weights);
    if (destination) mio_memory_descriptor_destroy(destination);
    return found != NULL;
}
