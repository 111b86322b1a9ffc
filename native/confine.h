/* The last steps before a command's first instruction. */
#ifndef CORDON_CONFINE_H
#define CORDON_CONFINE_H

#include "order.h"

/* No capability, none that could come back, no new privileges; also for root. */
void drop_rights(void);

/* Nobody of the same user can look into this process or trace it. */
void hide_process(void);

/* Sets soft and hard limits alike. */
void set_limits(const struct order *order);

/* Loads the filter; nothing that it refuses works after this. */
void load_filter(const struct order *order);

/* Starts the command, searched for in its own PATH. Status 127 or 126 where that fails. */
void start_command(const struct order *order) __attribute__((noreturn));

#endif
