/* Made by paritone.generate.cmsis_dsp_tables: not to be edited. */
#include "tables.h"

const uint16_t cmsis_dsp_ref_bit_reverse_32[24] = {
8,128,16,64,24,192,40,160,48,96,56,224,72,144,88,208,104,176,120,240,152,200,184,232
};
