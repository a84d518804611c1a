#include "CProcess.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

extern char **environ;

// In the child, between fork and exec: only calls that are safe there.
static int become(
    char *const arguments[], char *const environment[], int output, int error_output, const sigset_t *held,
    int farewell, pid_t parent) {
    setpgid(0, 0);
#if defined(__linux__)
    if (prctl(PR_SET_PDEATHSIG, farewell) != 0) return errno;
    // The parent ended before it was asked for.
    if (getppid() != parent) return ECHILD;
#else
    (void)farewell, (void)parent;
#endif
    // Reading the terminal from another group would stop it.
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0) return errno;
    if (nothing != STDIN_FILENO) close(nothing);
    if (output != STDOUT_FILENO && dup2(output, STDOUT_FILENO) < 0) return errno;
    if (error_output != STDERR_FILENO && dup2(error_output, STDERR_FILENO) < 0) return errno;
    // Handlers do not outlive the start of another program; what is ignored would be.
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, held, NULL);
    environ = (char **)environment;
    execvp(arguments[0], arguments);
    return errno;
}

pid_t mio_spawn(
    char *const arguments[], char *const environment[], int output, int error_output, const sigset_t *held,
    int farewell) {
    // The child tells by it why it could not become the program; it is closed where it could.
    int ends[2];
    if (mio_pipe(ends) != 0) return -errno;
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        int failure = become(arguments, environment, output, error_output, held, farewell, parent);
        _exit(write(ends[1], &failure, sizeof failure) < 0 ? 126 : 127);
    }
    int failure = child < 0 ? errno : 0;
    close(ends[1]);
    if (child > 0 && read(ends[0], &failure, sizeof failure) < 0) failure = errno;
    close(ends[0]);
    if (failure == 0) return child;
    if (child > 0) waitpid(child, NULL, 0);
    return -failure;
}
