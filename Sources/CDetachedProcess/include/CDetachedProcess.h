#ifndef C_DETACHED_PROCESS_H
#define C_DETACHED_PROCESS_H

#include <sys/types.h>

/// Starts `arguments[0]`, a path, with `environment`, in a session of its own and in `folder`: with nothing to read, both outputs on
/// `output`, all signals as usual, and no other open file of this process. posix_spawn cannot close files that it is not told of, and
/// a listening socket that the program inherits would outlive the process that listens.
/// @return its process id, or the negative errno of what failed.
pid_t mio_spawn_detached(
    char *const arguments[], char *const environment[], const char *folder, int output);

#endif
