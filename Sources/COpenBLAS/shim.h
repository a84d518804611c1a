// OpenBLAS: matrix products. The functions and enumerators of CBLAS arrive in Swift as they are.
#include <cblas.h>
