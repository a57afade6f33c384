/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of somebody's as a child, for there is something left to do after.
 */
#ifndef TOOLS_CHILD_H
#define TOOLS_CHILD_H

/**
 * ct_child_run() - Run a program and wait for its end
 * @argv:	program and its arguments, as for ct_launch()
 *
 * Signals that somebody sends to this process go to the program.
 *
 * Return: as waitpid() gives it; where the program could not be started, an
 * exit with 125 to 127 after a line on stderr.
 */
int ct_child_run(char **argv);

#endif
