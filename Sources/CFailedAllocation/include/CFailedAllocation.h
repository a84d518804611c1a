#ifndef CFAILEDALLOCATION_H
#define CFAILEDALLOCATION_H

#ifdef __cplusplus
extern "C" {
#endif

/// From now on, a C++ library that gets no memory ends the process with a message and this exit code. Without it,
/// std::bad_alloc would pass through C and Swift, which ends the process by a signal.
/// `message` must stay valid; without one (NULL) this is taken back.
void mio_end_on_failed_allocation(const char *message, int exit_code);

#ifdef __cplusplus
}
#endif

#endif
