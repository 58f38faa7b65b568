/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For command lines of run(): a terminal that tmux draws, with a program in it. */
#ifndef LM_TESTS_TMUX_H
#define LM_TESTS_TMUX_H

/*
 * Shell functions. begin COLUMNS LINES COMMAND: starts COMMAND in a terminal, and shows its exit status at its end.
 * keys KEY...: types keys, as tmux's send-keys knows them. screen: prints what is shown. shows PATTERN: waits until a
 * line of the screen matches PATTERN (grep -E); if it never does, fails and prints the screen. The socket is in /tmp,
 * because the paths of sockets are short.
 */
#define TMUX                                                                                                           \
	"socket=$(mktemp -u /tmp/log-malloc-tmux.XXXXXX); "                                                            \
	"tm() { env -u TMUX LC_ALL=C.UTF-8 tmux -u -S $socket -f /dev/null \"$@\" 9>&-; };"                            \
	"trap 'tm kill-server 2>/dev/null; rm -f $socket' EXIT;"                                                       \
	"begin() { tm new-session -d -x $1 -y $2 \"$3; echo status \\$?; exec sleep 1000\"; };"                        \
	"keys() { tm send-keys \"$@\"; };"                                                                             \
	"screen() { tm capture-pane -p; };"                                                                            \
	"shows() { for _ in $(seq 400); do screen | grep -Eq -- \"$1\" && return; sleep 0.05; done; "                  \
	"echo \"not shown: $1\"; screen; return 1; };"

#endif
