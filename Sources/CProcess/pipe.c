#define _GNU_SOURCE // for pipe2
#include "CProcess.h"
#include <fcntl.h>
#include <unistd.h>

int mio_pipe(int ends[2]) {
#if defined(__linux__)
    return pipe2(ends, O_CLOEXEC);
#else
    if (pipe(ends) != 0) return -1;
    for (int end = 0; end < 2; end++) fcntl(ends[end], F_SETFD, FD_CLOEXEC);
    return 0;
#endif
}
