/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The forms of log-malloc(1), "SERVICES AND CONTAINERS": each is taken from the page itself and tried, with other
 * paths. systemd and docker can't run in a test. What they would execute can.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>

static const char program[] = "#include <stdlib.h>\n"
			      "static void *volatile kept;\n"
			      "__attribute__((noinline)) static void serve(void) { kept = malloc(77); kept = NULL; }\n"
			      "int main(int argc, char **argv) { (void)argv; serve(); return argc > 9; }\n";

/* As gosu and su-exec: a static program that becomes another user and executes the command. */
static const char helper[] = "#include <grp.h>\n#include <unistd.h>\n"
			     "int main(int argc, char **argv) { if (argc < 2 || setgroups(0, NULL) || setgid(65534) || "
			     "setuid(65534)) return 99; execvp(argv[1], argv + 1); return 98; }\n";

/*
 * $T: a directory that other users may enter, with what a machine has. block NAME prints what the page has below the
 * comment "test: NAME", with paths in $T. leaks FILE: is the leak of exampled in that trace, and nothing missing?
 */
#define SETUP                                                                                                          \
	"umask 022; T=$(mktemp -d /tmp/log-malloc-test.XXXXXX); trap 'rm -rf $T' EXIT; chmod 755 $T;"                  \
	"mkdir -p $T/bin $T/lib $T/log $T/root/usr/sbin; cp $B/log-malloc $B/log-malloc-findleak exampled $T/bin;"     \
	"cp $B/liblog-malloc2.so.1 $T/lib; ln -s liblog-malloc2.so.1 $T/lib/liblog-malloc2.so; PATH=$T/bin:$PATH;"     \
	"block() { sed -n \"/^\\.\\\\\\\\\\\" test: $1$/,/^\\.Ed/{/^\\./d;p}\" $S/man/log-malloc.1 | "                 \
	"sed \"s|\\\\\\\\e\\$|\\\\\\\\|; s|/usr/lib/|$T/lib/|g; s|/usr/bin/|$T/bin/|; s|%%L|$T/log|; s|/srv/|$T/|g; "  \
	"s|/var/log|$T/log|; s|=/trace|=$T/trace|; s|-o /trace|-o $T/trace|\"; };"                                     \
	"leaks() { log-malloc-findleak \"$@\" >found; [ $? = 1 ] && grep -q ' leaked 77 bytes ' found && "             \
	"grep -q 'the trace is complete' found || { cat found; ls -lR $T/log $T/trace; return 1; }; };"                \
	"user='setpriv --reuid=65534 --regid=65534 --clear-groups'; "

static bool can_change_user(const char *test)
{
	if (run("[ $(id -u) = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups true").status != 0) {
		skip(test, "only root can change the user");
		return false;
	}
	write_file("exampled.c", program, strlen(program));
	must(run("${CC:-gcc} -g -O1 -fno-builtin-malloc -o exampled exampled.c"));
	return true;
}

START_TEST(a_unit_with_the_variables_is_traced)
{
	if (!can_change_user("a_unit_with_the_variables_is_traced"))
		return;
	/* The service's user has the directory, and nothing of our environment. */
	must(run(SETUP
	         "install -d -o 65534 $T/log/log-malloc; block systemd-environment >conf; grep -q Environment conf; "
	         "vars=$(sed -n 's/^Environment=//p' conf | sed 's/%%%%/%%/g'); "
	         "$user env -i LD_LIBRARY_PATH=$T/lib $vars $T/bin/exampled --foreground 2>err; [ ! -s err ] && "
	         "leaks $T/log/log-malloc/[0-9]*.trace && [ $(stat -c %%u $T/log/log-malloc/*.trace) = 65534 ]"));
}
END_TEST

START_TEST(a_unit_with_the_launcher_is_traced)
{
	if (!can_change_user("a_unit_with_the_launcher_is_traced"))
		return;
	must(run(SETUP "install -d -o 65534 $T/log/log-malloc; "
	               "command=$(block systemd-launcher | sed -n 's/^ExecStart=\\(.\\)/\\1/p' | sed 's/%%%%/%%/g; "
	               "s|/usr/sbin/|'$T/bin/'|'); $user env -i $command && leaks $T/log/log-malloc/[0-9]*.trace"));
}
END_TEST

START_TEST(systemd_takes_the_drop_ins)
{
	static const char *const forms[] = {"systemd-environment", "systemd-launcher"};

	if (!can_change_user("systemd_takes_the_drop_ins") || !can_run("systemd_takes_the_drop_ins", "systemd-analyze"))
		return;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct run r =
			run(SETUP "mkdir -p $T/units/exampled.service.d; cd $T/units; "
		                  "printf '[Unit]\nDescription=An example\n[Service]\nUser=daemon\n"
		                  "ExecStart=/bin/true --foreground\n' >exampled.service; "
		                  "block %s | sed 's|/usr/sbin/exampled|/bin/true|' >exampled.service.d/trace.conf; "
		                  "systemd-analyze verify --man=no ./exampled.service",
		            forms[i]);

		ck_assert_msg(r.status == 0 && !strstr(r.err, "exampled.service"), "%s: %s%s", forms[i], r.out, r.err);
	}
}
END_TEST

/* The entry point changes the user by itself, by setpriv, or by a static helper. */
START_TEST(a_container_whose_entry_point_changes_the_user_is_traced)
{
	static const char *const helpers[] = {"setpriv --reuid=65534 --regid=65534 --clear-groups", "./helper"};

	if (!can_change_user("a_container_whose_entry_point_changes_the_user_is_traced"))
		return;
	write_file("helper.c", helper, strlen(helper));
	must(run("${CC:-gcc} -static -o helper helper.c"));
	for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++)
		must(run(SETUP "printf '#!/bin/sh\n[ \"$1\" = exampled ] && exec %s \"$@\"\n' >entry; chmod +x entry; "
		               "$(block container-environment | grep mkdir); "
		               "vars=$(block container-environment | grep -o -e '-e [^ ]*' | sed 's/^-e //'); "
		               "new='unshare -p -f --mount-proc'; $new true || new=; "
		               "env $vars LOG_MALLOC_QUIET=1 $new ./entry exampled 2>err; leaks $T/trace/*.2.trace && "
		               "[ $(stat -c %%u $T/trace/*.2.trace) = 65534 ]",
		         helpers[i]));
}
END_TEST

START_TEST(a_container_with_the_launcher_behind_the_helper_is_traced)
{
	if (!can_change_user("a_container_with_the_launcher_behind_the_helper_is_traced"))
		return;
	must(run(SETUP "install -d -o 65534 $T/trace; block container-launcher >entry; grep -q '^exec setpriv' entry; "
	               "sh entry && leaks $T/trace/*.trace"));
}
END_TEST

START_TEST(a_program_in_another_root_is_traced)
{
	if (!can_change_user("a_program_in_another_root_is_traced"))
		return;
	must(run(SETUP
	         "cp exampled $T/root/usr/sbin; for l in $(ldd exampled | grep -o '/[^ ]*'); do "
	         "cp --parents $l $T/root; done; mv $T/bin/log-malloc-findleak .; "
	         "block chroot >commands; grep -q chroot commands; sh -e commands; mv log-malloc-findleak $T/bin; "
	         "leaks --sysroot=$T/root $T/log/exampled.trace && grep -q exampled.c:3 found"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("services");

	ONCE(a_unit_with_the_variables_is_traced);
	ONCE(a_unit_with_the_launcher_is_traced);
	ONCE(systemd_takes_the_drop_ins);
	ONCE(a_container_whose_entry_point_changes_the_user_is_traced);
	ONCE(a_container_with_the_launcher_behind_the_helper_is_traced);
	ONCE(a_program_in_another_root_is_traced);
	return run_suite(suite);
}
