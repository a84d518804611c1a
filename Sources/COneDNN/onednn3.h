// shim.h's functions by oneDNN 3: a memory descriptor is an object of the library, an operation is made in one call and
// has a call that moves it on to its next implementation.

/// The library's object under shim.h's name.
static inline const_dnnl_memory_desc_t mio_description(const mio_memory_descriptor *descriptor) {
    return (const_dnnl_memory_desc_t)descriptor;
}

static inline dnnl_status_t mio_memory_descriptor_create(
    mio_memory_descriptor **result, int rank, const int64_t *extents, dnnl_data_type_t type, dnnl_format_tag_t order) {
    if (rank < 0 || rank > DNNL_MAX_NDIMS) return dnnl_invalid_arguments;
    dnnl_dims_t padded = {0};
    for (int axis = 0; axis < rank; ++axis) padded[axis] = extents[axis];
    dnnl_memory_desc_t made = NULL;
    dnnl_status_t status = dnnl_memory_desc_create_with_tag(&made, rank, padded, type, order);
    if (status == dnnl_success) *result = (mio_memory_descriptor *)made;
    return status;
}

static inline dnnl_status_t mio_memory_descriptor_create_strided(
    mio_memory_descriptor **result, int rank, const int64_t *extents, const int64_t *strides, dnnl_data_type_t type) {
    if (rank < 0 || rank > DNNL_MAX_NDIMS) return dnnl_invalid_arguments;
    dnnl_dims_t padded = {0}, distances = {0};
    for (int axis = 0; axis < rank; ++axis) {
        padded[axis] = extents[axis];
        distances[axis] = strides[axis];
    }
    dnnl_memory_desc_t made = NULL;
    dnnl_status_t status = dnnl_memory_desc_create_with_strides(&made, rank, padded, type, distances);
    if (status == dnnl_success) *result = (mio_memory_descriptor *)made;
    return status;
}

static inline void mio_memory_descriptor_destroy(mio_memory_descriptor *descriptor) {
    dnnl_memory_desc_destroy((dnnl_memory_desc_t)descriptor);
}

static inline size_t mio_memory_descriptor_bytes(const mio_memory_descriptor *descriptor) {
    return dnnl_memory_desc_get_size(mio_description(descriptor));
}

static inline bool mio_memory_descriptors_are_equal(const mio_memory_descriptor *a, const mio_memory_descriptor *b) {
    return dnnl_memory_desc_equal(mio_description(a), mio_description(b)) != 0;
}

static inline dnnl_status_t mio_primitive_memory_descriptor(
    mio_memory_descriptor **result, const_dnnl_primitive_desc_t primitive, dnnl_query_t what, int index) {
    const_dnnl_memory_desc_t found = dnnl_primitive_desc_query_md(primitive, what, index);
    if (!found) return dnnl_invalid_arguments;
    dnnl_memory_desc_t copy = NULL;
    dnnl_status_t status = dnnl_memory_desc_clone(&copy, found);
    if (status == dnnl_success) *result = (mio_memory_descriptor *)copy;
    return status;
}

static inline dnnl_status_t mio_memory_create(
    dnnl_memory_t *result, const mio_memory_descriptor *descriptor, dnnl_engine_t engine, void *pointer) {
    return dnnl_memory_create(result, mio_description(descriptor), engine, pointer);
}

static inline dnnl_status_t mio_reorder_create(
    dnnl_primitive_desc_t *result, const mio_memory_descriptor *from, const mio_memory_descriptor *to,
    dnnl_engine_t engine) {
    return dnnl_reorder_primitive_desc_create(
        result, mio_description(from), engine, mio_description(to), engine, NULL);
}

static inline dnnl_status_t mio_append_relu(dnnl_post_ops_t operations) {
    return dnnl_post_ops_append_eltwise(operations, dnnl_eltwise_relu, 0, 0);
}

static inline dnnl_status_t mio_append_sum(dnnl_post_ops_t operations) {
    return dnnl_post_ops_append_sum(operations, 1, 0, dnnl_data_type_undef);
}

static inline dnnl_status_t mio_product(
    dnnl_primitive_desc_t *result, const mio_memory_descriptor *a, const mio_memory_descriptor *b,
    const mio_memory_descriptor *c, dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes) {
    return dnnl_matmul_primitive_desc_create(
        result, engine, mio_description(a), mio_description(b), NULL, mio_description(c), attributes);
}

/// Goes on from an operation's first implementation, if `status` says that there is one, to the first that is not
/// avoided.
static inline dnnl_status_t mio_first_implementation(
    dnnl_primitive_desc_t *result, dnnl_status_t status, dnnl_primitive_desc_t found, const char *avoided) {
    if (status != dnnl_success) return status;
    while (status == dnnl_success && mio_is_avoided(found, avoided)) status = dnnl_primitive_desc_next_impl(found);
    if (status == dnnl_success) {
        *result = found;
    } else {
        dnnl_primitive_desc_destroy(found);
    }
    return status;
}

static inline dnnl_status_t mio_convolution_forward(
    dnnl_primitive_desc_t *result, const mio_convolution *convolution, dnnl_alg_kind_t algorithm,
    dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes, const char *avoided) {
    const mio_window window = mio_window_of(convolution);
    dnnl_primitive_desc_t found = NULL;
    dnnl_status_t status = dnnl_convolution_forward_primitive_desc_create(
        &found, engine, dnnl_forward_training, algorithm, mio_description(convolution->source),
        mio_description(convolution->weights), mio_description(convolution->bias),
        mio_description(convolution->destination), window.strides, window.dilation, window.padding_before,
        window.padding_after, attributes);
    return mio_first_implementation(result, status, found, avoided);
}

static inline dnnl_status_t mio_convolution_backward_weights(
    dnnl_primitive_desc_t *result, const mio_convolution *convolution, dnnl_alg_kind_t algorithm,
    const_dnnl_primitive_desc_t forward, dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes,
    const char *avoided) {
    const mio_window window = mio_window_of(convolution);
    dnnl_primitive_desc_t found = NULL;
    dnnl_status_t status = dnnl_convolution_backward_weights_primitive_desc_create(
        &found, engine, algorithm, mio_description(convolution->source), mio_description(convolution->weights),
        mio_description(convolution->bias), mio_description(convolution->destination), window.strides,
        window.dilation, window.padding_before, window.padding_after, forward, attributes);
    return mio_first_implementation(result, status, found, avoided);
}

static inline dnnl_status_t mio_convolution_backward_data(
    dnnl_primitive_desc_t *result, const mio_convolution *convolution, dnnl_alg_kind_t algorithm,
    const_dnnl_primitive_desc_t forward, dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes,
    const char *avoided) {
    const mio_window window = mio_window_of(convolution);
    dnnl_primitive_desc_t found = NULL;
    dnnl_status_t status = dnnl_convolution_backward_data_primitive_desc_create(
        &found, engine, algorithm, mio_description(convolution->source), mio_description(convolution->weights),
        mio_description(convolution->destination), window.strides, window.dilation, window.padding_before,
        window.padding_after, forward, attributes);
    return mio_first_implementation(result, status, found, avoided);
}
