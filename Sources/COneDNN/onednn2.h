#include <stdlib.h>

// shim.h's functions by oneDNN 2: a memory descriptor is a structure, an operation is made from a filled-in structure
// by an iterator over its implementations.

/// The structure behind shim.h's name.
static inline const dnnl_memory_desc_t *mio_description(const mio_memory_descriptor *descriptor) {
    return (const dnnl_memory_desc_t *)descriptor;
}

static inline dnnl_status_t mio_memory_descriptor_copy(
    mio_memory_descriptor **result, const dnnl_memory_desc_t *original) {
    dnnl_memory_desc_t *copy = (dnnl_memory_desc_t *)malloc(sizeof *copy);
    if (!copy) return dnnl_out_of_memory;
    *copy = *original;
    *result = (mio_memory_descriptor *)copy;
    return dnnl_success;
}

static inline dnnl_status_t mio_memory_descriptor_create(
    mio_memory_descriptor **result, int rank, const int64_t *extents, dnnl_data_type_t type, dnnl_format_tag_t order) {
    if (rank < 0 || rank > DNNL_MAX_NDIMS) return dnnl_invalid_arguments;
    dnnl_dims_t padded = {0};
    for (int axis = 0; axis < rank; ++axis) padded[axis] = extents[axis];
    dnnl_memory_desc_t description;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&description, rank, padded, type, order);
    return status == dnnl_success ? mio_memory_descriptor_copy(result, &description) : status;
}

static inline dnnl_status_t mio_memory_descriptor_create_strided(
    mio_memory_descriptor **result, int rank, const int64_t *extents, const int64_t *strides, dnnl_data_type_t type) {
    if (rank < 0 || rank > DNNL_MAX_NDIMS) return dnnl_invalid_arguments;
    dnnl_dims_t padded = {0}, distances = {0};
    for (int axis = 0; axis < rank; ++axis) {
        padded[axis] = extents[axis];
        distances[axis] = strides[axis];
    }
    dnnl_memory_desc_t description;
    dnnl_status_t status = dnnl_memory_desc_init_by_strides(&description, rank, padded, type, distances);
    return status == dnnl_success ? mio_memory_descriptor_copy(result, &description) : status;
}

static inline void mio_memory_descriptor_destroy(mio_memory_descriptor *descriptor) { free(descriptor); }

static inline size_t mio_memory_descriptor_bytes(const mio_memory_descriptor *descriptor) {
    return dnnl_memory_desc_get_size(mio_description(descriptor));
}

static inline bool mio_memory_descriptors_are_equal(const mio_memory_descriptor *a, const mio_memory_descriptor *b) {
    return dnnl_memory_desc_equal(mio_description(a), mio_description(b)) != 0;
}

static inline dnnl_status_t mio_primitive_memory_descriptor(
    mio_memory_descriptor **result, const_dnnl_primitive_desc_t primitive, dnnl_query_t what, int index) {
    const dnnl_memory_desc_t *found = dnnl_primitive_desc_query_md(primitive, what, index);
    return found ? mio_memory_descriptor_copy(result, found) : dnnl_invalid_arguments;
}

static inline dnnl_status_t mio_memory_create(
    dnnl_memory_t *result, const mio_memory_descriptor *descriptor, dnnl_engine_t engine, void *pointer) {
    return dnnl_memory_create(result, mio_description(descriptor), engine, pointer);
}

static inline dnnl_status_t mio_reorder_create(
    dnnl_primitive_desc_t *result, const mio_memory_descriptor *from, const mio_memory_descriptor *to,
    dnnl_engine_t engine) {
    return dnnl_reorder_primitive_desc_create(result, mio_description(from), engine, mio_description(to), engine, NULL);
}

static inline dnnl_status_t mio_append_relu(dnnl_post_ops_t operations) {
    return dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0);
}

static inline dnnl_status_t mio_append_sum(dnnl_post_ops_t operations) {
    return dnnl_post_ops_append_sum(operations, 1);
}

static inline dnnl_status_t mio_product(
    dnnl_primitive_desc_t *result, const mio_memory_descriptor *a, const mio_memory_descriptor *b,
    const mio_memory_descriptor *c, dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes) {
    dnnl_matmul_desc_t operation;
    dnnl_status_t status =
        dnnl_matmul_desc_init(&operation, mio_description(a), mio_description(b), NULL, mio_description(c));
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(result, &operation, attributes, engine, NULL);
}

/// Makes an operation of the first implementation that is not avoided.
static inline dnnl_status_t mio_first_implementation(
    dnnl_primitive_desc_t *result, const_dnnl_op_desc_t operation, const_dnnl_primitive_desc_t forward,
    dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes, const char *avoided) {
    dnnl_primitive_desc_iterator_t iterator;
    dnnl_status_t status = dnnl_primitive_desc_iterator_create(&iterator, operation, attributes, engine, forward);
    if (status != dnnl_success) return status;
    while (status == dnnl_success) {
        dnnl_primitive_desc_t found = dnnl_primitive_desc_iterator_fetch(iterator);
        if (!found) {
            status = dnnl_out_of_memory;
        } else if (mio_is_avoided(found, avoided)) {
            dnnl_primitive_desc_destroy(found);
            status = dnnl_primitive_desc_iterator_next(iterator);
        } else {
            *result = found;
            break;
        }
    }
    dnnl_primitive_desc_iterator_destroy(iterator);
    return status;
}

static inline dnnl_status_t mio_convolution_forward(
    dnnl_primitive_desc_t *result, const mio_convolution *convolution, dnnl_alg_kind_t algorithm,
    dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes, const char *avoided) {
    const mio_window window = mio_window_of(convolution);
    dnnl_convolution_desc_t operation;
    dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
        &operation, dnnl_forward_training, algorithm, mio_description(convolution->source),
        mio_description(convolution->weights), mio_description(convolution->bias),
        mio_description(convolution->destination), window.strides, window.dilation, window.padding_before,
        window.padding_after);
    if (status != dnnl_success) return status;
    return mio_first_implementation(result, &operation, NULL, engine, attributes, avoided);
}

static inline dnnl_status_t mio_convolution_backward_weights(
    dnnl_primitive_desc_t *result, const mio_convolution *convolution, dnnl_alg_kind_t algorithm,
    const_dnnl_primitive_desc_t forward, dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes,
    const char *avoided) {
    const mio_window window = mio_window_of(convolution);
    dnnl_convolution_desc_t operation;
    dnnl_status_t status = dnnl_dilated_convolution_backward_weights_desc_init(
        &operation, algorithm, mio_description(convolution->source), mio_description(convolution->weights),
        mio_description(convolution->bias), mio_description(convolution->destination),
        window.strides, window.dilation, window.padding_before, window.padding_after);
    if (status != dnnl_success) return status;
    return mio_first_implementation(result, &operation, forward, engine, attributes, avoided);
}

static inline dnnl_status_t mio_convolution_backward_data(
    dnnl_primitive_desc_t *result, const mio_convolution *convolution, dnnl_alg_kind_t algorithm,
    const_dnnl_primitive_desc_t forward, dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes,
    const char *avoided) {
    const mio_window window = mio_window_of(convolution);
    dnnl_convolution_desc_t operation;
    dnnl_status_t status = dnnl_dilated_convolution_backward_data_desc_init(
        &operation, algorithm, mio_description(convolution->source), mio_description(convolution->weights),
        mio_description(convolution->destination), window.strides, window.dilation, window.padding_before,
        window.padding_after);
    if (status != dnnl_success) return status;
    return mio_first_implementation(result, &operation, forward, engine, attributes, avoided);
}
