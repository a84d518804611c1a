// libzip: the container of `.keras` files. Its functions and constants arrive in Swift as they are.
#include <zip.h>
