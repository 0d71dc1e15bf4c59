/* A user's program: one transform of one length. Its status is 0 if an impulse has a flat spectrum. */
#include "cmsis_dsp_ref.h"

enum { POINTS = 512 };

int main(void) {
    static q31_t samples[POINTS], spectrum[2 * POINTS];
    arm_rfft_instance_q31 fft;
    if (arm_rfft_init_512_q31(&fft, 0, 1) != ARM_MATH_SUCCESS) {
        return 1;
    }
    samples[0] = 1 << 30;
    arm_rfft_q31(&fft, samples, spectrum);
    for (int k = 0; k <= POINTS / 2; k++) {
        const q31_t error = spectrum[2 * k] - (1 << 30) / POINTS;
        if (error < -4 || error > 4 || spectrum[2 * k + 1] < -4 || spectrum[2 * k + 1] > 4) {
            return 2;
        }
    }
    return 0;
}
