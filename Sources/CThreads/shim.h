#ifndef C_THREADS_H
#define C_THREADS_H

#include <signal.h>
#include <stdint.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

// Asks Linux (6.12 and later) for turns of this many nanoseconds for the calling thread: short ones come soon after it
// wakes, where it shares a core with a thread that never sleeps. Its share of the core stays. glibc has no function for
// it. Elsewhere, and where it is refused, nothing changes.
static inline void mio_ask_for_turns(uint64_t nanoseconds) {
#if defined(__linux__) && defined(SYS_sched_setattr) && defined(SYS_sched_getattr)
    // The kernel's struct sched_attr, first version: <linux/sched/types.h> and <sched.h> of newer glibcs collide.
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes;
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 || attributes.policy != 0) return;
    attributes.runtime = nanoseconds;
    syscall(SYS_sched_setattr, 0, &attributes, 0);
#else
    (void)nanoseconds;
#endif
}

// Binds the calling thread to one of the cores that it may use, counted from 0 and around. Elsewhere than on Linux, and
// where it is refused, nothing changes.
static inline void mio_bind_to_core(unsigned index) {
#if defined(__linux__) && defined(SYS_sched_getaffinity) && defined(SYS_sched_setaffinity)
    // glibc's own functions and macros need _GNU_SOURCE, which a module cannot set.
    enum { words = 128, bits = 8 * sizeof(unsigned long) };
    unsigned long allowed[words] = {0}, chosen[words] = {0};
    long size = syscall(SYS_sched_getaffinity, 0, sizeof allowed, allowed);
    unsigned count = 0;
    for (long core = 0; core < 8 * size; core++) count += allowed[core / bits] >> core % bits & 1;
    if (count == 0) return;
    index %= count;
    for (long core = 0; core < 8 * size; core++) {
        if (!(allowed[core / bits] >> core % bits & 1) || index-- > 0) continue;
        chosen[core / bits] = 1ul << core % bits;
        syscall(SYS_sched_setaffinity, 0, sizeof chosen, chosen);
        return;
    }
#else
    (void)index;
#endif
}

// The core that the calling thread runs on, until it is moved; -1 where that is not known. A nanosecond on Linux. (The
// header declares it for _GNU_SOURCE only, which a module cannot set.)
static inline int mio_current_core(void) {
#if defined(__linux__)
    extern int sched_getcpu(void);
    return sched_getcpu();
#else
    return -1;
#endif
}

// The signal by which a thread is asked for the stack of its calls; of no other use in mio, and in the libraries that it
// uses. SIGRTMIN is a macro that Swift does not see.
static inline int mio_stack_signal(void) {
#if defined(SIGRTMIN)
    return SIGRTMIN + 6;
#else
    return SIGUSR2;
#endif
}

// Tells the core that this is a loop that waits: an instruction without a name in Swift.
static inline void mio_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
