#include "CProcess.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// A process that hands on what a program writes, and keeps a copy. In a process of its own, so that the last words of a
// program that crashes are kept too. It is a copy of the program from before its first thread: it calls nothing but the
// system.

enum { MOST_EARLY = 1 << 16, PATH_SIZE = 4096, MARK_SIZE = 16 };

struct copy {
    const char *begun;
    char folder[PATH_SIZE], head[PATH_SIZE], tail[PATH_SIZE], older[PATH_SIZE];
    // What goes before each piece that is handed on.
    char mark[MARK_SIZE];
    size_t mark_count;
    size_t most, written;
    int file, is_tail;
    // Written before the run has begun.
    char early[MOST_EARLY];
    size_t early_count;
};

static void write_all(int file, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(file, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        bytes += written;
        count -= (size_t)written;
    }
}

// A run that is refused leaves nothing behind, its log neither.
static void open_log(struct copy *copy) {
    struct stat status;
    if (copy->file >= 0 || stat(copy->begun, &status) != 0) return;
    char *end = strrchr(copy->folder, '/');
    if (end) {
        *end = 0;
        mkdir(copy->folder, 0755);
        *end = '/';
    }
    mkdir(copy->folder, 0755);
    copy->file = open(copy->head, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (copy->file < 0) return;
    write_all(copy->file, copy->early, copy->early_count);
    copy->written = copy->early_count;
    copy->early_count = 0;
}

// The head of the log stays; behind it the newest two pieces of the same size.
static void keep(struct copy *copy, const char *bytes, size_t count) {
    open_log(copy);
    if (copy->file < 0) {
        size_t room = MOST_EARLY - copy->early_count, taken = count < room ? count : room;
        memcpy(copy->early + copy->early_count, bytes, taken);
        copy->early_count += taken;
        return;
    }
    if (copy->written + count > copy->most) {
        if (copy->is_tail) rename(copy->tail, copy->older);
        int next = open(copy->tail, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
        if (next < 0) return;
        close(copy->file);
        copy->file = next;
        copy->is_tail = 1;
        copy->written = 0;
    }
    write_all(copy->file, bytes, count);
    copy->written += count;
}

// A piece, whole in one write as long as pipes promise that: launchers mix what several ranks write.
static void write_marked(const struct copy *copy, int target, const char *bytes, size_t count) {
    char piece[PIPE_BUF];
    size_t room = sizeof piece - copy->mark_count - 1;
    while (count > 0) {
        size_t taken = count < room ? count : room;
        memcpy(piece, copy->mark, copy->mark_count);
        memcpy(piece + copy->mark_count, bytes, taken);
        // A mark among them would end the piece too early. The log has them as they are.
        for (size_t i = copy->mark_count; i < copy->mark_count + taken; i++)
            if (piece[i] == '\001' || piece[i] == '\003') piece[i] = '?';
        piece[copy->mark_count + taken] = '\003';
        write_all(target, piece, copy->mark_count + taken + 1);
        bytes += taken;
        count -= taken;
    }
}

static void hand_on(struct copy *copy, int sources[2], int targets[2]) {
    static char bytes[1 << 16];
    while (sources[0] >= 0 || sources[1] >= 0) {
        struct pollfd places[2] = {{sources[0], POLLIN, 0}, {sources[1], POLLIN, 0}};
        if (poll(places, 2, -1) < 0) continue;
        for (int i = 0; i < 2; i++) {
            if (sources[i] < 0 || places[i].revents == 0) continue;
            ssize_t count = read(sources[i], bytes, sizeof bytes);
            if (count > 0) {
                write_marked(copy, targets[i], bytes, (size_t)count);
                keep(copy, bytes, (size_t)count);
            } else if (count == 0 || errno != EINTR) {
                close(sources[i]);
                sources[i] = -1;
                // Whoever reads there learns at once that there is no more.
                close(targets[i]);
            }
        }
    }
    open_log(copy);
}

int mio_keep_log(const char *begun, const char *folder, const char *name, size_t most, unsigned rank) {
#if defined(__linux__)
    static struct copy copy;
    copy.begun = begun;
    copy.most = most;
    copy.mark_count = (size_t)snprintf(copy.mark, MARK_SIZE, "\001%u\002", rank);
    copy.file = -1;
    if (snprintf(copy.folder, PATH_SIZE, "%s", folder) >= PATH_SIZE
        || snprintf(copy.head, PATH_SIZE, "%s/%s.log", folder, name) >= PATH_SIZE
        || snprintf(copy.tail, PATH_SIZE, "%s/%s.tail.log", folder, name) >= PATH_SIZE
        || snprintf(copy.older, PATH_SIZE, "%s/%s.tail-1.log", folder, name) >= PATH_SIZE)
        return ENAMETOOLONG;
    int ends[2][2];
    if (pipe(ends[0]) != 0) return errno;
    if (pipe(ends[1]) != 0) {
        int failure = errno;
        close(ends[0][0]), close(ends[0][1]);
        return failure;
    }
    // Not fork(): OpenBLAS stops its threads at one, which started when it was loaded.
    long child = syscall(SYS_clone, (unsigned long)SIGCHLD, 0, 0, 0, 0);
    if (child < 0) {
        int failure = errno;
        for (int i = 0; i < 2; i++) close(ends[i][0]), close(ends[i][1]);
        return failure;
    }
    if (child == 0) {
        // The group of the program is killed with it; this process ends when the program has closed its ends.
        setsid();
        prctl(PR_SET_NAME, "mio log");
        for (int number = 1; number < 32; number++)
            if (number != SIGCHLD) signal(number, SIG_IGN);
        close(ends[0][1]), close(ends[1][1]);
        int sources[2] = {ends[0][0], ends[1][0]}, targets[2] = {STDOUT_FILENO, STDERR_FILENO};
        hand_on(&copy, sources, targets);
        _exit(0);
    }
    for (int i = 0; i < 2; i++) {
        close(ends[i][0]);
        dup2(ends[i][1], i == 0 ? STDOUT_FILENO : STDERR_FILENO);
        close(ends[i][1]);
    }
    return 0;
#else
    (void)begun, (void)folder, (void)name, (void)most, (void)rank;
    return ENOSYS;
#endif
}
