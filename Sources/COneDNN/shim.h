// oneDNN's C interface: convolution, pooling and products. Its functions and enumerators arrive as they are.
#include <oneapi/dnnl/dnnl.h>
