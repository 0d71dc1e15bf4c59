/* Made by paritone.generate.cmsis_dsp_tables: not to be edited. */
#include "tables.h"

const uint16_t cmsis_dsp_ref_bit_reverse_16[12] = {
8,64,16,32,24,96,40,80,56,112,88,104
};
