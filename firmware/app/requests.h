/* What the board does when it is asked: PCM in, features and scores out. No I/O, no registers. */
#ifndef APP_REQUESTS_H
#define APP_REQUESTS_H

#include "protocol.h"

/* Check the generated data and empty the stream; PARITONE_OK or its error. Called once, first. */
int requests_init(void);

/*
 * Do what the frame in `request` asks and send the answer.
 *
 * A frame with the sequence number of the one before is a repetition: its
 * answer was lost, so the same answer goes out again and nothing is done twice.
 */
void requests_answer(const link_receiver_t *request, link_put_t *put);

/* Tell the host that a frame arrived damaged: it repeats what went unanswered. Of LINK_LOST_FRAMES
 * in a row the rate may be the reason: it goes back to that of the start. */
void requests_damaged(link_put_t *put);

/* Type of the request under way, 0 between requests: for a fault's report. */
extern volatile uint8_t requests_busy_with;

#endif
