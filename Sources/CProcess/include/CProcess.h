#ifndef C_PROCESS_H
#define C_PROCESS_H

// For sigset_t; <signal.h> would give Swift a second `sigaction` beside the C library's.
#include <stdint.h>
#include <sys/select.h>
#include <sys/types.h>

/// A program to start.
struct mio_start {
    /// The first is the program, looked up like a shell does in the PATH of `environment`. Both end with NULL.
    char *const *arguments;
    char *const *environment;
    /// Where it starts; NULL: where this process is.
    const char *folder;
    /// What it reads; negative: nothing.
    int input;
    int output;
    int error_output;
    /// The signals that it holds back.
    sigset_t held;
    /// What it gets when the calling thread is gone, however that ends; 0: nothing. posix_spawn has no word for that. On Linux
    /// alone: elsewhere it goes on.
    int farewell;
    /// 0: in a process group of its own, and what this process ignores it ignores too, except for SIGPIPE. Else: in a session of its
    /// own, with all signals as usual, and without any other open file of this process: a listening socket that it inherits
    /// would outlive the process that listens.
    int detached;
};

/// Starts a program.
/// @return its process id, or the negative errno of what failed.
pid_t mio_spawn(const struct mio_start *start);

/// A pipe, to read at `ends[0]` and to write at `ends[1]`, which no program keeps open that another thread starts meanwhile.
/// @return 0, or -1 and errno.
int mio_pipe(int ends[2]);

/// From now on what this process writes to standard output and error goes there as before, and is kept in
/// `folder/name.log` too, also the last words of a crash. The file has at most `most` bytes; what comes behind is in
/// `name.tail.log`, of which the newest `most` to twice `most` bytes stay. The folder, and that above it, are made once the
/// file `begun` is there.
/// What goes on as before is marked with the number of the rank that wrote it: each piece is SOH, the number, STX, the bytes,
/// ETX. Whoever started the launcher takes that off again (`RankFrames`).
/// To be called before anything else uses these outputs, and with strings that stay. On Linux.
/// @return 0, or the errno of what failed; then nothing has changed.
int mio_keep_log(const char *begun, const char *folder, const char *name, size_t most, unsigned rank);

/// Words of a record: the thread, its process, how many addresses follow, the addresses, newest call first. The thread is
/// stored last; a record without one is not complete.
enum { MIO_STACK_WORDS = 64 };

/// From now on a thread of this process that gets the signal `number` writes the stack of its calls to the next free one of
/// `most` records. `claimed` counts them; several processes may share it and the records.
/// @return 0, or the errno of what failed. On Linux alone.
int mio_tell_stacks(int number, uint64_t *claimed, uint64_t *records, size_t most);

/// Sends a signal to one thread of any process.
/// @return 0, or the errno of what failed.
int mio_ask_stack(pid_t process, pid_t thread, int number);

/// Of Swift's runtime: the name of a symbol as it is written in a program; NULL for a symbol that is not Swift's. To be
/// freed.
char *swift_demangle(
    const char *name, size_t length, char *output, size_t *output_size, uint32_t flags);

#endif
