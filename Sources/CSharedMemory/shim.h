#ifndef MIO_SHARED_MEMORY_SHIM_H
#define MIO_SHARED_MEMORY_SHIM_H

#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>

/// memfd_create(2), closed on exec: glibc declares it only with _GNU_SOURCE, which a module cannot set. Memory without
/// a name and without a file system: no limit of a container's /dev/shm, and nothing left behind by a process that is
/// killed.
static inline int mio_anonymous_file(const char *name) { return (int)syscall(SYS_memfd_create, name, 1u); }
#else
/// Elsewhere: a shared-memory object that loses its name at once. Other processes cannot open it, which they say.
static inline int mio_anonymous_file(const char *name) {
    shm_unlink(name);
    int file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    shm_unlink(name);
    return file;
}
#endif

/// open(2), which is variadic and therefore not imported.
static inline int mio_open_file(const char *path) { return open(path, O_RDWR | O_CLOEXEC); }

/// Maps a file at a multiple of `alignment`, a power of two and a multiple of a page; NULL, and errno set, if that fails.
static inline void *mio_map_shared(int file, size_t bytes, size_t alignment) {
    // MAP_FAILED is a cast of an integer.
    char *room = (char *)mmap(NULL, bytes + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return NULL;
    char *aligned = (char *)(((uintptr_t)room + alignment - 1) & ~(uintptr_t)(alignment - 1));
    void *memory = mmap(aligned, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    if (memory == MAP_FAILED) {
        munmap(room, bytes + alignment);
        return NULL;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t end = (bytes + page - 1) & ~(page - 1);
    if (aligned > room) munmap(room, (size_t)(aligned - room));
    munmap(aligned + end, (size_t)(room + alignment - aligned));
    return memory;
}

/// Asks Linux (6.1 and later, whatever its settings for huge pages are) to hold part of a file's memory in huge pages,
/// on the NUMA node of this core. A wish: where it is refused, the pages are small.
static inline void mio_use_huge_pages(void *memory, size_t bytes, size_t huge_page) {
#if defined(__linux__)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
    for (size_t i = 0; i < bytes; i += huge_page) {
        char *page = (char *)memory + i;
        // The huge page comes to lie where its first small one does, which the first touch decides.
        (void)*(volatile char *)page;
        if (madvise(page, huge_page, MADV_COLLAPSE) != 0) return;
    }
#else
    (void)memory, (void)bytes, (void)huge_page;
#endif
}

// Counters that several processes see. Swift's Atomic is a value that owns its place; these are places in memory that
// somebody else owns.

/// What was written before the value was stored is seen by whoever loads it.
static inline uint64_t mio_load_acquire(const uint64_t *place) { return __atomic_load_n(place, __ATOMIC_ACQUIRE); }
static inline void mio_store_release(uint64_t *place, uint64_t value) {
    __atomic_store_n(place, value, __ATOMIC_RELEASE);
}
/// The value alone: it orders nothing.
static inline void mio_store_relaxed(uint64_t *place, uint64_t value) {
    __atomic_store_n(place, value, __ATOMIC_RELAXED);
}
/// Adds to a place that several processes add to.
/// @return the value before.
static inline uint64_t mio_add_relaxed(uint64_t *place, uint64_t value) {
    return __atomic_fetch_add(place, value, __ATOMIC_RELAXED);
}

#endif
