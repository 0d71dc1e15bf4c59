/* The firmware: wait for a frame, answer it. */
#include "protocol.h"
#include "requests.h"

#include "../board/board.h"

#define UNASKED 0xFFFFu /* sequence number of what no request asked for */

static link_receiver_t receiver;

static void announce(uint8_t type, uint8_t argument, const uint32_t *words, size_t n)
{
    uint8_t frame[LINK_HEADER_BYTES + 6 * sizeof *words + LINK_CRC_BYTES];
    uint8_t *end = frame + LINK_HEADER_BYTES;

    for (size_t i = 0; i < n; i++) {
        end = link_set(end, words[i], sizeof *words);
    }
    link_send(frame, type, argument, UNASKED, n * sizeof *words, board_send);
}

void app_fault(const board_fault_t *fault)
{
    const uint32_t words[6] = {fault->exception, fault->pc,   fault->lr,
                               fault->cfsr,      fault->hfsr, fault->address};

    announce(LINK_FAULT, requests_busy_with, words, 6);
}

int main(void)
{
    board_init();
    link_receiver_init(&receiver);
    const int status = requests_init();
    announce(LINK_READY, (uint8_t)-status, NULL, 0);

    for (;;) {
        const link_event_t event = link_receive(&receiver, board_receive());
        if (event == LINK_FRAME) {
            requests_answer(&receiver, board_send);
        } else if (event == LINK_DAMAGED) {
            requests_damaged(board_send);
        }
    }
}
