#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__) && OMPI_MAJOR_VERSION >= 5
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

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

// What differs between versions of Open MPI beyond its interface, for ranks that mpirun has started.

#if defined(__linux__) && OMPI_MAJOR_VERSION >= 5
/// Whether the launcher of this process no longer listens at its address:
/// `prterun-node-30194@0.0;tcp4://10.0.0.1:39659`.
static inline bool mio_mpi_launcher_is_gone(void) {
    const char *server = getenv("PMIX_SERVER_URI41");
    const char *place = server ? strstr(server, ";tcp4://") : NULL;
    char host[16];
    unsigned short port;
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (!place || sscanf(place, ";tcp4://%15[0-9.]:%hu", host, &port) != 2) return false;
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) return false;
    address.sin_port = htons(port);
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0) return false;
    bool refused = connect(connection, (struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED;
    close(connection);
    return refused;
}
#endif

/// Makes Open MPI 5 do two things as version 4 does. Call it before MPI_Init_thread.
///
/// A rank ends with its launcher. Version 5 sees to that once MPI has started; before, a rank whose mpirun is killed
/// waits for ever, on a core of its own.
///
/// Ranks of one machine say nothing about its networks. Version 5 asks the kernel how to get from one of a machine's
/// addresses to another one of the same machine, and writes to standard error where there is no answer. The old rule
/// (`weighted`) compares addresses. A value that the user has set is kept.
static inline void mio_mpi_prepare(void) {
#if defined(__linux__) && OMPI_MAJOR_VERSION >= 5
    const char *ranks = getenv("OMPI_COMM_WORLD_SIZE"), *here = getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    if (!ranks) return;
    if (here && strcmp(ranks, here) == 0) setenv("OMPI_MCA_reachable", "weighted", 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It may have ended before that.
    if (mio_mpi_launcher_is_gone()) raise(SIGKILL);
#endif
}
