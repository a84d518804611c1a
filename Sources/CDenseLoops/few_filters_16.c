// Images in blocks of 16 channels.
#define MIO_WIDTH 16
#define MIO_FEW_FILTERS(name) mio_few_filters_16_##name
#include "few_filters_passes.h"
