#define _GNU_SOURCE
#include "CTopLevelError.h"
#include <dlfcn.h>

// The compiler ends a program whose top level throws with a call of `swift_errorInMain`, which prints the error as Swift
// shows values, and traps. This one takes its place in programs that link MIO: an error of mio is told in mio's words, and
// the process ends with its exit code. All other errors are Swift's own function's.
//
// It is weak: where Swift's runtime is linked statically there are two, and Swift's is taken.

#define SWIFT_CALL __attribute__((swiftcall))

typedef SWIFT_CALL void (*error_function)(const void *);

// In the module MIO. Does not return for an error of mio.
SWIFT_CALL void mio_error_at_top_level(const void *error);

__attribute__((weak)) SWIFT_CALL void swift_errorInMain(const void *error) {
    mio_error_at_top_level(error);
    error_function of_swift = (error_function)dlsym(RTLD_NEXT, "swift_errorInMain");
    if (of_swift) of_swift(error);
    __builtin_trap();
}
