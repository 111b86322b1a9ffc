/* Control groups, which the caller has made. */
#ifndef CORDON_GROUPS_H
#define CORDON_GROUPS_H

#include "order.h"

/* Where the groups can be reached: descriptors for `join_groups`, in the order of the words. */
int *open_groups(const struct order *order);

/* Puts this process into every group, with all its later children; or nothing goes on. */
void join_groups(const struct order *order, const int *groups);

#endif
