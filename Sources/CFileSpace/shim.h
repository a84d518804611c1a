#ifndef MIO_FILE_SPACE_SHIM_H
#define MIO_FILE_SPACE_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>

/// A file without a name in a folder: it goes when it is closed, whatever ends the process. −1, and errno set, if that fails:
/// some file systems (NFS) have no such files.
static inline int mio_open_nameless(const char *folder) {
    return open(folder, __O_TMPFILE | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0600);
}

/// fallocate(2): takes blocks for so many bytes; −1, and errno set, if that fails: ENOSPC, EDQUOT; EOPNOTSUPP where the file system cannot. Not
/// posix_fallocate, which writes a byte into each block there.
static inline int mio_allocate(int file, int64_t bytes) {
    return (int)syscall(SYS_fallocate, file, 0, (int64_t)0, bytes);
}
#else
static inline int mio_open_nameless(const char *folder) {
    (void)folder;
    errno = ENOTSUP;
    return -1;
}

static inline int mio_allocate(int file, int64_t bytes) {
    (void)file;
    (void)bytes;
    errno = EOPNOTSUPP;
    return -1;
}
#endif

#endif
