#ifndef CORDON_ROLES_H
#define CORDON_ROLES_H

/* Of the words it understands. */
#define LAUNCHER_VERSION 1

int session(void);
int run(char **descriptors, int count);
int alone(void);
int probe(char **words, int count);
int restrict_command(char **words, int count);

#endif
