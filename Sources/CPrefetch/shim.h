#ifndef C_PREFETCH_H
#define C_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

// Asks the caches for the start of a row that will be copied soon, eight lines at most: the hardware goes on with
// the rest by itself. Swift has no word for it. Nothing is read that a program could notice: any address may be given.
static inline void mio_prefetch_row(const void *row, size_t bytes) {
    const char *address = row;
    const size_t most = bytes < 512 ? bytes : 512;
    for (size_t offset = 0; offset < most; offset += 64) __builtin_prefetch(address + offset);
    if (most > 0) __builtin_prefetch(address + most - 1);
}

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

#endif
