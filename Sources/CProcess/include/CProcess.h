#ifndef C_PROCESS_H
#define C_PROCESS_H

// For sigset_t; <signal.h> would give Swift a second `sigaction` beside the C library's.
#include <sys/select.h>
#include <sys/types.h>

/// Starts `arguments[0]`, looked up like a shell does, with this process' environment: in a process group of its own, with
/// nothing to read, the signals of `held` held back, and SIGPIPE as usual. Its outputs are `output` and `error_output`.
/// On Linux it gets the signal `farewell` when the calling thread is gone, however that ends; posix_spawn has no word for
/// that. (Elsewhere it goes on.)
/// @return its process id, or the negative errno of what failed.
pid_t mio_spawn(char *const arguments[], int output, int error_output, const sigset_t *held, int farewell);

/// A pipe, to read at `ends[0]` and to write at `ends[1]`, which no program keeps open that another thread starts meanwhile.
/// @return 0, or -1 and errno.
int mio_pipe(int ends[2]);

/// From now on what this process writes to standard output and error goes there as before, and is kept in
/// `folder/name.log` too, also the last words of a crash. The file has at most `most` bytes; what comes behind is in
/// `name.tail.log`, of which the newest `most` to twice `most` bytes stay. The folder, and that above it, are made once the
/// file `begun` is there.
/// To be called before anything else uses these outputs, and with strings that stay. On Linux.
/// @return 0, or the errno of what failed; then nothing has changed.
int mio_keep_log(const char *begun, const char *folder, const char *name, size_t most);

#endif
