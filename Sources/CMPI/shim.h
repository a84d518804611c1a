#include <mpi.h>

// Open MPI defines its predefined handles as macros that cast the address of a global, and the two
// special addresses as casts of integers. Swift imports neither form, so each is a function here. The
// handles are only known after linking, hence functions and not constants.

/// MPI_COMM_WORLD: a pointer-cast macro.
static inline MPI_Comm mio_mpi_comm_world(void) { return MPI_COMM_WORLD; }

/// MPI_FLOAT: a pointer-cast macro.
static inline MPI_Datatype mio_mpi_float(void) { return MPI_FLOAT; }

/// MPI_DOUBLE: a pointer-cast macro.
static inline MPI_Datatype mio_mpi_double(void) { return MPI_DOUBLE; }

/// MPI_INT64_T: a pointer-cast macro.
static inline MPI_Datatype mio_mpi_int64(void) { return MPI_INT64_T; }

/// MPI_UINT16_T: a pointer-cast macro.
static inline MPI_Datatype mio_mpi_uint16(void) { return MPI_UINT16_T; }

/// MPI_BYTE: a pointer-cast macro.
static inline MPI_Datatype mio_mpi_byte(void) { return MPI_BYTE; }

/// MPI_SUM: a pointer-cast macro.
static inline MPI_Op mio_mpi_sum(void) { return MPI_SUM; }

/// MPI_MIN: a pointer-cast macro.
static inline MPI_Op mio_mpi_min(void) { return MPI_MIN; }

/// MPI_MAX: a pointer-cast macro.
static inline MPI_Op mio_mpi_max(void) { return MPI_MAX; }

/// MPI_INFO_NULL: a pointer-cast macro.
static inline MPI_Info mio_mpi_info_null(void) { return MPI_INFO_NULL; }

/// MPI_ERRORS_RETURN: a pointer-cast macro.
static inline MPI_Errhandler mio_mpi_errors_return(void) { return MPI_ERRORS_RETURN; }

/// MPI_REQUEST_NULL: a pointer-cast macro.
static inline MPI_Request mio_mpi_request_null(void) { return MPI_REQUEST_NULL; }

/// MPI_IN_PLACE: an integer cast to a pointer.
static inline const void *mio_mpi_in_place(void) { return MPI_IN_PLACE; }

/// MPI_THREAD_FUNNELED: an enumerator of an unnamed enum, which arrives as Int where calls take C's int.
static inline int mio_mpi_thread_funneled(void) { return MPI_THREAD_FUNNELED; }

/// MPI_THREAD_SERIALIZED, as above.
static inline int mio_mpi_thread_serialized(void) { return MPI_THREAD_SERIALIZED; }

/// MPI_COMM_TYPE_SHARED: an enumerator of an unnamed enum, as above.
static inline int mio_mpi_comm_type_shared(void) { return MPI_COMM_TYPE_SHARED; }
