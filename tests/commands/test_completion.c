/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What bash, zsh and fish complete. bash is asked as it asks itself: words, and the place of the current one. */
#include "support.h"
#include "tmux.h"

#include <stdio.h>
#include <string.h>

/*
 * What is offered for the last one of WORDS, a line each, sorted. COMMAND is
 * run from the build directory.
 */
static char *offered(const char *command, const char *words)
{
	return run(". $S/completions/log-malloc2.bash; PATH=$B:$PATH; COMP_WORDS=(%s %s);"
	           "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _log_malloc2 %s; printf '%%s\\n' \"${COMPREPLY[@]}\" | sort",
	           command, words, command)
	        .out;
}

static const char *const commands[] = {
	"log-malloc",     "log-malloc-findleak", "log-malloc-report", "log-malloc-diff", "log-malloc-trackusage",
	"log-malloc-cat", "log-malloc-mark",     "log-malloc-top",    "log-malloc-push", "backtrace2line"};

/* The long options in COMMAND's help, a line each, sorted. */
static char *options_of(const char *command)
{
	return run("$B/%s --help | sed -nE 's/^  (-., |    )(--[a-z-]+).*/\\2/p' | sort", command).out;
}

START_TEST(every_option_of_every_command_is_offered)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		char *help = options_of(commands[i]);

		ck_assert_ptr_nonnull(strstr(help, "--version\n"));
		ck_assert_str_eq(offered(commands[i], "--"), help);
	}
	ck_assert_str_eq(offered("log-malloc-findleak", "--top 3 --older"), "--older-than\n");
	ck_assert_str_eq(offered("log-malloc", "-o file --comp"), "--compact\n");
}
END_TEST

START_TEST(values_that_are_offered_are_accepted)
{
	char *formats = offered("log-malloc-findleak", "--format ''");
	struct run r;

	ck_assert_str_eq(formats, "json\njunit\ntext\n");
	write_file("formats", formats, strlen(formats));
	r = run("while read -r f; do $B/log-malloc-findleak -n --format $f $S/tests/golden/full.trace >out; [ $? = 1 ] "
	        "||"
	        "exit 1; done <formats");
	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(offered("log-malloc-findleak", "--format = ju"), "junit\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--format ="), "json\njunit\ntext\n");
	ck_assert_str_eq(offered("log-malloc", "--start o"), "off\non\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--sort b"), "blocks\nbytes\n");
	ck_assert_str_eq(offered("log-malloc", "--mark-signal US"), "USR1\nUSR2\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--top ''"), "\n");
}
END_TEST

START_TEST(files_and_commands_are_offered_where_they_belong)
{
	ck_assert_int_eq(run("mkdir -p sub && touch some.trace sub/more").status, 0);
	ck_assert_str_eq(offered("log-malloc-findleak", "some"), "some.trace\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--suppressions so"), "some.trace\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--sysroot s"), "sub\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--sysroot = s"), "sub\n");
	ck_assert_ptr_nonnull(strstr(offered("log-malloc", "log-malloc-find"), "log-malloc-findleak\n"));
	ck_assert_ptr_nonnull(strstr(offered("log-malloc", "-- log-malloc-find"), "log-malloc-findleak\n"));
	/* Behind the command, its own words. */
	ck_assert_str_eq(offered("log-malloc", "-o x cat so"), "some.trace\n");
	ck_assert_str_eq(offered("log-malloc", "cat --comp"), "\n");
	/* bash makes three words of peak=200M. */
	ck_assert_str_eq(offered("log-malloc", "--at peak = 200M cat so"), "some.trace\n");
	ck_assert_str_eq(offered("log-malloc", "--at = peak = 200M cat so"), "some.trace\n");
	ck_assert_str_eq(offered("log-malloc", "--at gr"), "growth=\n");
}
END_TEST

/* Defines what is needed to ask the zsh functions without a line editor, and sources them. */
#define ZSH                                                                                                            \
	"PATH=$B:$PATH zsh -f -c '_files() {}; _pids() {}; _arguments() {}; compadd() { shift; print -l -- $@ }; "     \
	"words=(log-malloc); . $S/completions/log-malloc2.zsh; %s'"

#define FISH "HOME=. PATH=$B:$PATH fish --no-config -c 'source $S/completions/log-malloc2.fish; %s'"

/* Do all completion files know the commands that are installed? */
START_TEST(every_shell_completes_every_command)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		must(run("cd $S/completions && for f in log-malloc2.*; do grep -Eq '(#compdef|complete -F|for command "
		         "in).* "
		         "%s( |;|$)' $f || { echo $f; exit 1; }; done",
		         commands[i]));
}
END_TEST

START_TEST(zsh_offers_every_option)
{
	if (!can_run("zsh_offers_every_option", "zsh"))
		return;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		char command[256];

		snprintf(command, sizeof command, "specs=(); _log_malloc2_specs %s; print -l -- $specs", commands[i]);
		ck_assert_str_eq(must(run(ZSH " | sed -nE \"s/^\\([^)]*\\)(--[a-z-]+).*/\\1/p\" | sort", command)).out,
		                 options_of(commands[i]));
	}
}
END_TEST

START_TEST(fish_offers_every_option)
{
	if (!can_run("fish_offers_every_option", "fish"))
		return;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		char command[256];

		snprintf(command, sizeof command, "complete -C \"%s --\"", commands[i]);
		ck_assert_str_eq(must(run(FISH " | cut -f 1 | sort", command)).out, options_of(commands[i]));
	}
}
END_TEST

/* The options of COMMAND that have a value, as "command option" lines in the file "pairs". */
static void list_pairs(void)
{
	must(run("for c in log-malloc log-malloc-findleak log-malloc-report log-malloc-diff log-malloc-trackusage "
	         "log-malloc-cat log-malloc-mark log-malloc-top log-malloc-push backtrace2line; do $B/$c --help | sed "
	         "-nE "
	         "\"s/^  (-., |    )(--[a-z-]+)(\\[=| )[A-Z]+.*/$c \\2/p\"; done | grep -v ' --pid$' >pairs"));
}

/* Words alone: which files a directory has, each shell shows in its own way. */
START_TEST(every_shell_offers_the_same_values)
{
	list_pairs();
	must(run(". $S/completions/log-malloc2.bash; _log_malloc2_files() { COMPREPLY=(); };"
	         "while read -r c o; do COMPREPLY=(); _log_malloc2_value $c $o ''; printf '%%s %%s:' $c $o; "
	         "printf '%%s\n' \"${COMPREPLY[@]}\" | sort | tr '\n' ' '; echo; done <pairs >bash; "
	         "grep -q 'report --by:allocated calls leaked peak temporary' bash"));
	if (can_run("every_shell_offers_the_same_values", "zsh")) {
		must(run(ZSH " >zsh",
		         "while read -r c o; do printf \"%s %s:\" $c $o; _log_malloc2_value $c $o | sort | tr \"\\n\" "
		         "\" \"; echo; done <pairs"));
		must(run("sed 's/: $/:/' bash | diff - <(sed 's/: $/:/' zsh)"));
	}
	if (can_run("every_shell_offers_the_same_values", "fish")) {
		must(run("mkdir empty; " FISH " >fish",
		         "function __fish_complete_path; end; function __fish_complete_directories; end; "
		         "while read -l c o; printf \"%s %s:\" $c $o; __log_malloc2_value $c $o | sort | tr \"\\n\" "
		         "\" \"; echo; end <pairs"));
		must(run("sed 's/: $/:/' bash | diff - <(sed 's/: $/:/' fish)"));
	}
}
END_TEST

START_TEST(fish_completes_the_command_that_is_traced)
{
	static const struct {
		const char *line, *offer;
	} cases[] = {
		{"log-malloc -o x log-malloc-find", "log-malloc-findleak"},
		{"log-malloc -o x log-malloc-findleak --older", "--older-than"},
		{"log-malloc-findleak --format=ju", "--format=junit"},
		{"log-malloc-findleak --top 3 --format ju", "junit"},
		{"log-malloc-findleak some", "some.trace"},
	};

	if (!can_run("fish_completes_the_command_that_is_traced", "fish"))
		return;
	must(run("touch some.trace"));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char command[256], expected[64];

		snprintf(command, sizeof command, "complete -C \"%s\"", cases[i].line);
		snprintf(expected, sizeof expected, "%s\n", cases[i].offer);
		ck_assert_str_eq(must(run(FISH " | cut -f 1", command)).out, expected);
	}
}
END_TEST

/* In a terminal, as a user meets it. */
START_TEST(zsh_completes_in_a_terminal)
{
	struct run r;

	if (!can_run("zsh_completes_in_a_terminal", "zsh") || !can_run("zsh_completes_in_a_terminal", "tmux"))
		return;
	r = must(run(TMUX "mkdir f && cp $S/completions/log-malloc2.zsh f/_log-malloc2 && "
	                  "export PATH=$B:$PATH HOME=$PWD && begin 100 30 'zsh -f' && "
	                  "keys 'fpath=($PWD/f $fpath); autoload -U compinit; compinit -u -D; PS1=\"re\"\"ady> \"' "
	                  "Enter && shows '^ready>' && keys 'log-malloc-findleak --older' Tab && "
	                  "shows 'findleak --older-than=' && keys C-u 'log-malloc-report --format fol' Tab && "
	                  "shows 'report --format folded' && keys C-u 'log-malloc -o x log-malloc-findl' Tab && "
	                  "shows 'x log-malloc-findleak'"));
	ck_assert_str_eq(r.err, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("completion");
	TCase *tcase = tcase_create("completion");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, every_option_of_every_command_is_offered);
	tcase_add_test(tcase, values_that_are_offered_are_accepted);
	tcase_add_test(tcase, files_and_commands_are_offered_where_they_belong);
	tcase_add_test(tcase, every_shell_completes_every_command);
	tcase_add_test(tcase, zsh_offers_every_option);
	tcase_add_test(tcase, fish_offers_every_option);
	tcase_add_test(tcase, every_shell_offers_the_same_values);
	tcase_add_test(tcase, fish_completes_the_command_that_is_traced);
	tcase_add_test(tcase, zsh_completes_in_a_terminal);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
