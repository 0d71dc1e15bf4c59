/* The firmware: wait for a frame, answer it. */
#include <string.h>

#include "protocol.h"
#include "requests.h"

#include "../board/board.h"

#define UNASKED 0xFFFFu /* sequence number of what no request asked for */

static link_receiver_t receiver;

static void announce(uint8_t type, uint8_t argument, const void *payload, size_t size)
{
    uint32_t frame[(LINK_HEADER_BYTES + sizeof(board_fault_t) + LINK_CRC_BYTES) / 4];

    memcpy(frame + LINK_HEADER_BYTES / 4, payload, size);
    link_send(frame, type, argument, UNASKED, size, board_send);
}

void app_fault(const board_fault_t *fault)
{
    announce(LINK_FAULT, requests_busy_with, fault, sizeof *fault);
}

int main(void)
{
    board_init();
    link_receiver_init(&receiver);
    const int status = requests_init();
    announce(LINK_READY, (uint8_t)-status, &status, 0);

    for (;;) {
        const link_event_t event = link_receive(&receiver, board_receive());
        if (event == LINK_FRAME) {
            requests_answer(&receiver, board_send);
        } else if (event == LINK_DAMAGED) {
            requests_damaged(board_send);
        }
    }
}
