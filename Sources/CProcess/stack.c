#if defined(__linux__)
// For the registers of an interrupted thread, and gettid().
#define _GNU_SOURCE
#endif
#include "CProcess.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <execinfo.h>
#include <sys/syscall.h>
#include <ucontext.h>

static uint64_t *claimed_stacks, *stack_records;
static size_t most_records;

static void *interrupted_at(const void *context) {
    const ucontext_t *place = context;
#if defined(__x86_64__)
    return (void *)place->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (void *)place->uc_mcontext.pc;
#else
    (void)place;
    return NULL;
#endif
}

// On the thread that is asked. It allocates nothing: backtrace() has loaded what it needs before.
static void tell_stack(int number, siginfo_t *information, void *context) {
    (void)number, (void)information;
    int before = errno;
    uint64_t place = __atomic_fetch_add(claimed_stacks, 1, __ATOMIC_RELAXED);
    if (place < most_records) {
        uint64_t *record = stack_records + place * MIO_STACK_WORDS;
        void *frames[MIO_STACK_WORDS];
        int count = backtrace(frames, MIO_STACK_WORDS), first = 0;
        // Without this function and the system's call of it.
        void *begin = interrupted_at(context);
        for (int i = 0; i < count; i++)
            if (frames[i] == begin) {
                first = i;
                break;
            }
        int kept = count - first < MIO_STACK_WORDS - 3 ? count - first : MIO_STACK_WORDS - 3;
        for (int i = 0; i < kept; i++) record[3 + i] = (uint64_t)(uintptr_t)frames[first + i];
        record[1] = (uint64_t)getpid();
        record[2] = (uint64_t)kept;
        __atomic_store_n(record, (uint64_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
    }
    errno = before;
}

int mio_tell_stacks(int number, uint64_t *claimed, uint64_t *records, size_t most) {
    claimed_stacks = claimed;
    stack_records = records;
    most_records = most;
    // The first call loads a library, which a handler may not.
    void *frames[4];
    backtrace(frames, 4);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = tell_stack;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigfillset(&action.sa_mask);
    return sigaction(number, &action, NULL) == 0 ? 0 : errno;
}

int mio_ask_stack(pid_t process, pid_t thread, int number) {
    return syscall(SYS_tgkill, process, thread, number) == 0 ? 0 : errno;
}
#else
int mio_tell_stacks(int number, uint64_t *claimed, uint64_t *records, size_t most) {
    (void)number, (void)claimed, (void)records, (void)most;
    return ENOSYS;
}

int mio_ask_stack(pid_t process, pid_t thread, int number) {
    (void)process, (void)thread, (void)number;
    return ENOSYS;
}
#endif
