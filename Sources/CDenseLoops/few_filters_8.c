// Images in blocks of 8 channels.
#define MIO_WIDTH 8
#define MIO_FEW_FILTERS(name) mio_few_filters_8_##name
#include "few_filters_passes.h"
