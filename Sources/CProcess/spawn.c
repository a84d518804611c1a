#define _GNU_SOURCE
#include "CProcess.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

extern char **environ;

// Below: in the child, between fork and exec, where only some calls are safe.

static void close_from(int first, int kept) {
    if (kept >= first) {
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

// By the system call: libc refuses to touch the two signals that it keeps to itself, and one that some ancestor ignored would
// go on from program to program.
static void reset_signal(int number) {
#if defined(__linux__)
    // Larger than the kernel's structure on any processor: the usual action, no flags, nothing held back.
    const long usual[8] = {0};
    syscall(SYS_rt_sigaction, number, usual, NULL, (size_t)(NSIG - 1) / 8);
#else
    signal(number, SIG_DFL);
#endif
}

static int become(const struct mio_start *start, int told, pid_t parent) {
    if (start->detached) {
        if (setsid() < 0) return errno;
    } else {
        setpgid(0, 0);
    }
#if defined(__linux__)
    if (start->farewell != 0) {
        if (prctl(PR_SET_PDEATHSIG, start->farewell) != 0) return errno;
        // The parent ended before it was asked for.
        if (getppid() != parent) return ECHILD;
    }
#else
    (void)parent;
#endif
    // Reading the terminal from another group would stop it.
    int input = start->input >= 0 ? start->input : open("/dev/null", O_RDONLY);
    if (input < 0 || dup2(input, STDIN_FILENO) < 0) return errno;
    if (start->input < 0 && input != STDIN_FILENO) close(input);
    if (start->output != STDOUT_FILENO && dup2(start->output, STDOUT_FILENO) < 0) return errno;
    if (start->error_output != STDERR_FILENO && dup2(start->error_output, STDERR_FILENO) < 0) return errno;
    if (start->folder && chdir(start->folder) != 0) return errno;
    // Handlers do not outlive the start of another program; what is ignored would be.
    reset_signal(SIGPIPE);
    if (start->detached) {
        close_from(STDERR_FILENO + 1, told);
        for (int number = 1; number < NSIG; number++) reset_signal(number);
    }
    sigprocmask(SIG_SETMASK, &start->held, NULL);
    environ = (char **)start->environment;
    execvp(start->arguments[0], start->arguments);
    return errno;
}

pid_t mio_spawn(const struct mio_start *start) {
    // The child tells by it why it could not become the program; it is closed where it could.
    int ends[2];
    if (mio_pipe(ends) != 0) return -errno;
    // Nothing of this process' handlers may run in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        int failure = become(start, ends[1], parent);
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
