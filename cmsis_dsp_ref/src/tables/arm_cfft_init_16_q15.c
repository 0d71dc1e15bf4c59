/* Made by paritone.generate.cmsis_dsp_tables: not to be edited. */
#include "tables.h"

static const q15_t twiddle[24] = {
32767,0,30273,12539,23170,23170,12539,30273,0,32767,-12540,30273,-23171,23170,-30274,12539,-32768,0,
-30274,-12540,-23171,-23171,-12540,-30274
};

CFFT_OF_LENGTH(16, q15, twiddle, cmsis_dsp_ref_bit_reverse_16)
