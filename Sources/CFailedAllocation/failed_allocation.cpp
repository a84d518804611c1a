#include "CFailedAllocation.h"

#include <new>
#include <string.h>
#include <unistd.h>

static const char *end_message = "";
static int end_code = 1;

// Called by operator new when malloc has failed. Allocates nothing.
static void end() {
    ssize_t written = write(STDERR_FILENO, end_message, strlen(end_message));
    (void)written;
    _exit(end_code);
}

void mio_end_on_failed_allocation(const char *message, int exit_code) {
    end_message = message;
    end_code = exit_code;
    std::set_new_handler(message ? end : nullptr);
}
