#define _GNU_SOURCE
#include "CDetachedProcess.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// In the child, between fork and exec: only calls that are safe there.
static void close_from(int first, int kept) {
    if (kept > first) {
        for (int number = first; number < kept; number++) close(number);
        first = kept + 1;
    }
#if defined(SYS_close_range)
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0) return;
#endif
    struct rlimit limit;
    int last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1 << 20 ? (int)limit.rlim_cur : 1 << 20;
    for (int number = first; number < last; number++) close(number);
}

static int become(
    char *const arguments[], char *const environment[], const char *folder, int output, int told) {
    if (setsid() < 0) return errno;
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0) return errno;
    if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) return errno;
    if (chdir(folder) != 0) return errno;
    close_from(STDERR_FILENO + 1, told);
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(arguments[0], arguments, environment);
    return errno;
}

pid_t mio_spawn_detached(
    char *const arguments[], char *const environment[], const char *folder, int output) {
    // The child tells by it why it could not become the program; it is closed where it could.
    int ends[2];
    if (pipe(ends) != 0) return -errno;
    for (int end = 0; end < 2; end++) fcntl(ends[end], F_SETFD, FD_CLOEXEC);
    // Nothing of this process' handlers may run in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    if (child == 0) {
        int failure = become(arguments, environment, folder, output, ends[1]);
        _exit(write(ends[1], &failure, sizeof failure) < 0 ? 126 : 127);
    }
    int failure = child < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (child > 0 && read(ends[0], &failure, sizeof failure) < 0) failure = errno;
    close(ends[0]);
    if (failure == 0) return child;
    if (child > 0) waitpid(child, NULL, 0);
    return -failure;
}
