// What happens between the start of a program and its first own code, where the memory that it may map is limited
// (ulimit -v, ulimit -d).
//
// OpenBLAS starts a thread for each processor while it is loaded, and each gets a buffer. Its version 0.3.29 tries for
// ever where one gets none. So the program becomes itself once more with the variable that lets OpenBLAS start no
// thread; how many compute is said later, by openblas_set_num_threads. And with the one that gives all threads one heap:
// glibc maps 128 MB for a moment whenever it makes a thread's own, and another thread's array could get none just then. Where even the first thread gets no buffer, or a
// library written in C++ no memory, the program ends with a message instead of turning round or by a signal.

#if defined(__linux__)

#include "CFailedAllocation.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

// EX_IOERR of sysexits.h: as where memory is missing later.
enum { exit_code = 74 };
// Of computing before the first own code. Loading takes less than a tenth.
enum { patience_seconds = 3 };

static const char variable[] = "OPENBLAS_NUM_THREADS=";
static char one_heap[] = "MALLOC_ARENA_MAX=1";
static char message[256];

static rlim_t current_limit(int resource) {
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

// Nothing of the C library's that may have to be made ready is used: neither snprintf nor malloc.
static void write_message(const char *option, rlim_t bytes) {
    char digits[24];
    size_t first = sizeof digits - 1;
    digits[first] = '\0';
    rlim_t kilobytes = bytes / 1024;
    do digits[--first] = (char)('0' + kilobytes % 10);
    while ((kilobytes /= 10) != 0);
    const char *const parts[] = {
        "mio: the limit of memory (ulimit ", option, digits + first,
        ") leaves too little for the libraries to start; raise it by 200000 or more\n"};
    size_t length = 0;
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        size_t count = strlen(parts[part]);
        memcpy(message + length, parts[part], count);
        length += count;
    }
    message[length] = '\0';
}

static void lose_patience(int signal_number) {
    (void)signal_number;
    ssize_t written = write(STDERR_FILENO, message, strlen(message));
    (void)written;
    _exit(exit_code);
}

static void set_timer(time_t seconds) {
    struct itimerval timer = {.it_value = {.tv_sec = seconds}};
    setitimer(ITIMER_PROF, &timer, NULL);
}

// Returns only where it cannot be done.
static void become_itself(char **arguments, char **environment, size_t variables) {
    char one[sizeof variable + 1];
    memcpy(one, variable, sizeof variable - 1);
    memcpy(one + sizeof variable - 1, "1", 2);
    char *extended[variables + 3];
    memcpy(extended, environment, variables * sizeof *extended);
    extended[variables] = one;
    extended[variables + 1] = one_heap;
    extended[variables + 2] = NULL;
    // By its own path, for that is the name that others see; the link works also where the file has been replaced.
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0) {
        path[length] = '\0';
        execve(path, arguments, extended);
    }
    execve("/proc/self/exe", arguments, extended);
}

static void before_libraries(int count, char **arguments, char **environment) {
    (void)count;
    rlim_t addresses = current_limit(RLIMIT_AS), data = current_limit(RLIMIT_DATA);
    if (addresses == RLIM_INFINITY && data == RLIM_INFINITY) return;
    size_t variables = 0;
    int is_set = 0;
    for (; environment[variables] != NULL; variables++)
        if (strncmp(environment[variables], variable, sizeof variable - 1) == 0) is_set = 1;
    // Set by the user, or by the program that this one was.
    if (!is_set) become_itself(arguments, environment, variables);
    write_message(addresses <= data ? "-v " : "-d ", addresses <= data ? addresses : data);
    mio_end_on_failed_allocation(message, exit_code);
    signal(SIGPROF, lose_patience);
    set_timer(patience_seconds);
}

// The libraries of the program are made ready before its own constructors.
__attribute__((constructor)) static void after_libraries(void) {
    if (message[0] == '\0') return;
    set_timer(0);
    signal(SIGPROF, SIG_DFL);
    mio_end_on_failed_allocation(NULL, 0);
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = before_libraries;

#endif
