// HDF5: the container of Keras' weights. Most of its constants are macros that call H5open() or cast, and several
// functions are macros that choose a version: Swift imports neither. The versions differ between HDF5 1.10 (Debian 12,
// Ubuntu 24.04) and 1.14 (Debian 13); the default names below compile with both.
#include <hdf5.h>

// Property lists: H5P_DEFAULT and H5E_DEFAULT are casts.
static inline hid_t mio_h5_default(void) { return H5P_DEFAULT; }

// H5P_FILE_ACCESS reads a variable after H5open().
static inline hid_t mio_h5_create_file_access(void) { return H5Pcreate(H5P_FILE_ACCESS); }

// hbool_t is a boolean or an integer, by version. The file stays in memory.
static inline int mio_h5_keep_in_memory(hid_t access) { return H5Pset_fapl_core(access, 1 << 20, 0); }

// H5F_ACC_RDONLY and H5F_ACC_TRUNC call a function.
static inline hid_t mio_h5_open_file(const char *name, hid_t access) { return H5Fopen(name, H5F_ACC_RDONLY, access); }
static inline hid_t mio_h5_create_file(const char *name) {
    return H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
}

// The native types read variables after H5open().
static inline hid_t mio_h5_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t mio_h5_int64(void) { return H5T_NATIVE_INT64; }
// What is written is little-endian on every machine.
static inline hid_t mio_h5_file_float(void) { return H5T_IEEE_F32LE; }
static inline hid_t mio_h5_file_int64(void) { return H5T_STD_I64LE; }
static inline hid_t mio_h5_c_string(void) { return H5T_C_S1; }

// Errors come back as negative numbers; HDF5 must not print them. H5Eset_auto is a macro.
static inline void mio_h5_be_quiet(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

// No code may be loaded because a file names a filter.
static inline void mio_h5_forbid_plugins(void) { H5PLset_loading_state(0); }

// The number of links in a group; negative on failure.
static inline long long mio_h5_link_count(hid_t group) {
    H5G_info_t info;
    return H5Gget_info(group, &info) < 0 ? -1 : (long long)info.nlinks;
}

// A link's name in the order of names, at most `size` bytes of it; the length of the whole name, negative on failure.
static inline long long mio_h5_link_name(hid_t group, unsigned long long index, char *name, size_t size) {
    return (long long)H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, name, size, H5P_DEFAULT);
}

// What a link is: 0 hard, 1 soft, another number for external and user-defined ones, negative on failure. H5Lget_info
// is a macro that differs between versions.
static inline int mio_h5_link_kind(hid_t group, const char *name) {
#if H5_VERSION_GE(1, 12, 0)
    H5L_info2_t info;
    if (H5Lget_info2(group, name, &info, H5P_DEFAULT) < 0) return -1;
#else
    H5L_info_t info;
    if (H5Lget_info(group, name, &info, H5P_DEFAULT) < 0) return -1;
#endif
    return info.type == H5L_TYPE_HARD ? 0 : info.type == H5L_TYPE_SOFT ? 1 : 2;
}

// H5Dopen, H5Gcreate, H5Dcreate and H5Acreate are macros.
static inline hid_t mio_h5_open_dataset(hid_t file, const char *path) { return H5Dopen2(file, path, H5P_DEFAULT); }
static inline hid_t mio_h5_open_object(hid_t file, const char *path) { return H5Oopen(file, path, H5P_DEFAULT); }
static inline hid_t mio_h5_create_group(hid_t file, const char *path) {
    return H5Gcreate2(file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
}
static inline hid_t mio_h5_create_dataset(hid_t file, const char *path, hid_t type, hid_t space) {
    // Without the time: the same values make the same file.
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (creation < 0) return creation;
    hid_t dataset = H5Pset_obj_track_times(creation, 0) < 0
        ? H5I_INVALID_HID : H5Dcreate2(file, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    return dataset;
}
static inline hid_t mio_h5_create_attribute(hid_t object, const char *name, hid_t type, hid_t space) {
    return H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
}

// H5Pget_filter is a macro. The identifier of a filter, negative on failure.
static inline int mio_h5_filter(hid_t list, unsigned index) {
    unsigned flags, configuration;
    size_t count = 0;
    return H5Pget_filter2(list, index, &flags, &count, NULL, 0, NULL, &configuration);
}

// H5S_ALL is a cast.
static inline int mio_h5_read(hid_t dataset, hid_t type, void *values) {
    return H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}
static inline int mio_h5_write(hid_t dataset, hid_t type, const void *values) {
    return H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

// Frees strings of variable length that H5Aread made. H5Dvlen_reclaim is deprecated where H5Treclaim exists.
static inline int mio_h5_reclaim(hid_t type, hid_t space, void *values) {
#if H5_VERSION_GE(1, 12, 0)
    return H5Treclaim(type, space, H5P_DEFAULT, values);
#else
    return H5Dvlen_reclaim(type, space, H5P_DEFAULT, values);
#endif
}
