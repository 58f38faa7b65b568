/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-push: what a store gets, by protobuf's own decoder, and what becomes of stores that do not take it. */
#include "support.h"

#include <stdio.h>
#include <string.h>

/* Leaks as many blocks of 1000 bytes as a line of its input says, and allocates as many of 100 bytes for a moment. */
static const char program[] = "#include <stdio.h>\n"
			      "#include <stdlib.h>\n"
			      "static void *volatile kept;\n"
			      "__attribute__((noinline)) static void leak(void) { kept = malloc(1000); }\n"
			      "__attribute__((noinline)) static void pass(void) { kept = malloc(100); free(kept); }\n"
			      "int main(void) { int n; setvbuf(stdin, NULL, _IONBF, 0);\n"
			      "while (scanf(\"%d\", &n) == 1) { for (int i = 0; i < n; i++) { leak(); pass(); } "
			      "puts(\"done\"); fflush(stdout); }\n"
			      "return 0; }\n";

/*
 * store WAY...: begins a store, whose URL is $U. decode N: its Nth profile as text. sum N TYPE: the sum of the values
 * of a type, by their order: 0 alloc_objects, 1 alloc_space, 2 inuse_objects, 3 inuse_space. came N: waits for its Nth
 * request. At the end, what still runs is killed: the number of what does not may be another process's by now.
 */
#define STORE                                                                                                          \
	"store() { rm -rf store; mkdir store; python3 $S/tests/support/store.py store \"$@\" & STORE=$!; "             \
	"trap 'kill $(jobs -rp) 2>/dev/null' EXIT; until [ -s store/port ]; do sleep 0.02; done; "                     \
	"U=http://127.0.0.1:$(cat store/port); }; "                                                                    \
	"decode() { gunzip <store/$1.profile | protoc --decode=pprof.Profile -I $S/src/reader/export "                 \
	"$S/src/reader/export/profile.proto; }; "                                                                      \
	"sum() { decode $1 | awk -v type=$2 '/^sample [{]/ { n = -1 } /^  value:/ && ++n == type { all += $2 } "       \
	"END { print all + 0 }'; }; "                                                                                  \
	"came() { for _ in $(seq 600); do [ -s store/$1.request ] && return; sleep 0.05; done; return 1; }; "          \
	"push() { $B/log-malloc-push --timeout 1s \"$@\"; }; "

static bool can_push(const char *test)
{
	if (run("[ -x $B/log-malloc-push ]").status != 0) {
		skip(test, "built with CURL=no");
		return false;
	}
	return can_run(test, "python3") && can_run(test, "protoc");
}

/* The program, and a trace T of it that has ended: it leaked seven blocks. */
static bool have_trace(const char *test)
{
	if (!can_push(test))
		return false;
	write_file("program.c", program, strlen(program));
	must(run("${CC:-gcc} -g -O1 -fno-builtin-malloc -o program program.c && " LM " -q -o t ./program <<<7"));
	return true;
}

START_TEST(a_trace_that_has_ended_is_one_profile)
{
	if (!have_trace("a_trace_that_has_ended_is_one_profile"))
		return;
	must(run(
		STORE
		"store ok; push --label env=test --label zone=a $U t 2>err || exit; [ ! -s err ] && "
		"[ $(ls store/*.profile | wc -l) = 1 ] && [ \"$(cat store/1.form)\" = 'profile sample_type_config' ] "
		"&& "
		"jq -e '.alloc_space.cumulative == false' store/1.sample_type_config && "
		"head -1 store/1.request | grep -Ei '^POST /ingest[?]name=program%%7benv%%3dtest%%2czone%%3da%%7d&"
		"from=[0-9]{10}&until=[0-9]{10}&format=pprof&spyName=log-malloc2 HTTP/1.1' && "
		"want() { $B/log-malloc-report --format json t | jq \"$1\"; } && "
		"[ $(sum 1 0) = $(want .allocated.count) ] && [ $(sum 1 1) = $(want .allocated.bytes) ] && "
		"[ $(sum 1 2) = $(want .leaked.count) ] && [ $(sum 1 3) = $(want .leaked.bytes) ] && "
		"decode 1 >text && grep -q '\"inuse_space\"' text && grep -q '\"leak\"' text && "
		"! grep -q '\"peak_space\"' text && [ $(grep -c '^sample_type' text) = 4 ] && "
		"grep -qE '^time_nanos: [0-9]{19}$' text && "
		"grep -q \"\\\"$(readelf -n program | sed -n 's/.*Build ID: //p')\\\"\" text && "
		"strings=$(grep -c '^string_table' text) && first=$(sed -n 's/^default_sample_type: //p' text) && "
		"[ \"$(grep '^string_table' text | sed -n \"$((first + 1))p\")\" = 'string_table: \"inuse_space\"' ]"));
}
END_TEST

START_TEST(a_sampled_trace_has_its_period)
{
	static const char trace[] = "# PID 7\n# EXE /x/my prog\n# CWD /\n# FORMAT full\n# SAMPLE 1024\n"
				    "+ INIT [0:0] malloc=0\n+ malloc 100 0x1000 [0:0]\n/x/p(leak+0x1)[0x1001]\n"
				    "# TIME 5000000\n+ FINI [0:0] malloc=0\n";

	if (!can_push("a_sampled_trace_has_its_period"))
		return;
	write_file("t", trace, sizeof trace - 1);
	/* 100 / (1 - exp(-100 / 1024)) */
	must(run(STORE "store ok; push --format pprof $U/own?x=1 t || exit; decode 1 >text; [ $(sum 1 3) = 1075 ] && "
	               "grep -q '^period: 1024$' text && grep -qE '^duration_nanos: 500[0-9]{10}$' text && head -1 "
	               "store/1.request | grep -q '^POST /own[?]x=1 HTTP' && "
	               "grep -qi '^content-type: application/octet-stream' store/1.request && "
	               "push $U t && head -1 store/2.request | grep -q 'name=my_prog&'"));
}
END_TEST

/* As the tracker itself takes the sample. Estimates are rounded: each backtrace by a half at most, and so is the sum.
 */
START_TEST(a_sampled_process_is_sent_as_it_is_reported)
{
	if (!have_trace("a_sampled_process_is_sent_as_it_is_reported"))
		return;
	must(run(STORE LM
	         " -q --sample 5000 -o s ./program <<<5000 || exit; store ok; push $U s || exit; decode 1 >text; "
	         "grep -q '^period: 5000$' text && want() { $B/log-malloc-report --format json s | jq \"$1\"; } && "
	         "near() { d=$(($1 - $2)); [ ${d#-} -le $((($(grep -c '^sample {' text) + 1) / 2)) ]; } && "
	         "[ $(want .leaked.samples) -gt 500 ] && near $(sum 1 2) $(want .leaked.count) && "
	         "near $(sum 1 3) $(want .leaked.bytes) && "
	         /* Eight of its standard errors: never, by chance. */
	         "want '(.leaked.bytes - 5000000) / .leaked.bytes_error | . > -8 and . < 8' | grep -qx true"));
}
END_TEST

/* Follows the program with a store that answers by WAYS; it leaks 5, 6 and 9 blocks while that happens. */
#define FOLLOW(ways)                                                                                                   \
	STORE "mkfifo in; store " ways "; $B/log-malloc -q -o live ./program <in >out & P=$!; exec 9>in; echo 5 >&9; " \
	      "until [ \"$(grep -c done out)\" = 1 ]; do sleep 0.02; done; env --default-signal=INT "                  \
	      "$B/log-malloc-push --timeout 1s --every 1s $U live 2>err 9>&- & PUSH=$!; "

START_TEST(profiles_have_what_was_allocated_since_the_one_before)
{
	if (!have_trace("profiles_have_what_was_allocated_since_the_one_before"))
		return;
	/* The last event may be in the next profile. */
	must(run(FOLLOW("ok") "came 1; echo 6 >&9; came 3; echo 9 >&9; exec 9>&-; wait $PUSH || exit; wait $P; "
	                      "all=0; last=0; for p in $(ls store | sed -n 's/[.]profile$//p' | sort -n); do "
	                      "all=$((all + $(sum $p 0))); last=$p; done; [ $last -ge 3 ] && "
	                      "want() { $B/log-malloc-report --format json live | jq \"$1\"; } && "
	                      "[ $all = $(want .allocated.count) ] && [ $(sum $last 3) = $(want .leaked.bytes) ] && "
	                      "[ $(sum 1 0) -lt $all ] && [ ! -s err ]"));
}
END_TEST

START_TEST(what_a_store_did_not_take_is_in_the_next_profile)
{
	if (!have_trace("what_a_store_did_not_take_is_in_the_next_profile"))
		return;
	must(run(FOLLOW(
		"500 hangs-up ok") "came 1; echo 6 >&9; came 3; exec 9>&-; wait $PUSH || exit; all=0; "
	                           "for p in store/[3-9].profile; do p=${p#store/}; all=$((all + $(sum ${p%%.*} 0))); "
	                           "done; "
	                           "[ $all = $($B/log-malloc-report --format json live | jq .allocated.count) ] && "
	                           "grep -q 'live: the store answered 500: no room.033.31m today$' err && "
	                           "grep -q 'live: the store takes profiles again; it did not take 2$' err && "
	                           "[ $(wc -l <err) = 3 ] && "
	                           "grep -q ' delivered; 2 deliveries failed$' err"));
}
END_TEST

/* Each takes no more than three times the time-out, and little memory. */
START_TEST(no_store_makes_it_hang_or_grow)
{
	static const struct {
		const char *way, *says;
	} stores[] = {
		{"500", "the store answered 500"},
		{"413", "the store answered 413"},
		{"redirects", "the store answered 307, which names another place"},
		{"sleeps", "[Tt]imeout|timed out"},
		{"drips", "[Tt]imeout|timed out"},
		/* It is not waited for so long at the end. */
		{"wait=429,99999999999", "the store answered 429"},
		{"wait=503,nonsense", "the store answered 503"},
		{"breaks", "transfer closed|partial"},
		{"babbles", "HTTP/0.9|[Uu]nsupported|[Ww]eird"},
		{"floods", "the store answered 500: x"},
		{"heads", "Failed writing|[Tt]oo large"},
		{"hangs-up", "reset by peer|[Ee]mpty reply|no data|Send failure|Failed sending|receiving data"},
	};

	if (!have_trace("no_store_makes_it_hang_or_grow"))
		return;
	must(run(STORE
	         "store %s; ulimit -v 400000; timeout 20 $B/log-malloc-push --timeout 500ms $U t 2>err; [ $? = 1 ] && "
	         "grep -qE 't: .*(%s)' err && grep -q '0 profiles were delivered; 3 deliveries failed' err && "
	         "[ $(wc -l <err) = 2 ] || { cat err; exit 1; }",
	         stores[_i].way, stores[_i].says));
}
END_TEST

/* More slowly than it would come by itself after a failure. No machine is too slow for that to hold. */
START_TEST(a_store_that_wants_a_pause_gets_it)
{
	if (!have_trace("a_store_that_wants_a_pause_gets_it"))
		return;
	must(run(FOLLOW("wait=429,4 ok") "came 2; exec 9>&-; wait $PUSH || exit; "
	                                 "at() { date -r store/$1.request +%%s%%3N; }; "
	                                 "[ $(($(at 2) - $(at 1))) -ge 4000 ] && "
	                                 "grep -q 'live: the store answered 429$' err && "
	                                 "grep -q 'takes profiles again; it did not take 1$' err"));
	/* At the end, it is waited for as for an answer. */
	must(run(STORE "store wait=503,1 ok; push $U t 2>err && "
	               "grep -q '1 profile was delivered; 1 delivery failed' err && [ $(sum 2 2) -ge 7 ] && "
	               "[ $(($(date -r store/2.request +%%s%%3N) - $(date -r store/1.request +%%s%%3N))) -ge 1000 ]"));
}
END_TEST

/* It runs to its end while a delivery waits for an answer that does not come. */
START_TEST(a_program_does_not_wait_for_a_store_that_never_answers)
{
	if (!have_trace("a_program_does_not_wait_for_a_store_that_never_answers"))
		return;
	must(run(FOLLOW("sleeps") "came 1; echo 100000 >&9; exec 9>&-; wait $P || exit; wait $PUSH; [ $? = 1 ] && "
	                          "[ $(grep -c done out) = 2 ] && "
	                          "grep -q '0 profiles were delivered; [0-9]* deliveries failed' err"));
}
END_TEST

START_TEST(a_name_that_nobody_knows)
{
	if (!have_trace("a_name_that_nobody_knows"))
		return;
	must(run(STORE "push http://store.invalid t 2>err; [ $? = 1 ] && grep -qi \"t: .*resolve\\|time\" err && "
	               "grep -q '3 deliveries failed' err"));
}
END_TEST

/* Without knowing who it is, nothing is sent. */
START_TEST(a_store_whose_certificate_is_not_trusted_gets_nothing)
{
	if (!have_trace("a_store_whose_certificate_is_not_trusted_gets_nothing") ||
	    !can_run("a_store_whose_certificate_is_not_trusted_gets_nothing", "openssl"))
		return;
	must(run(STORE
	         "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 "
	         "-keyout key -out certificate 2>/dev/null || exit; export CERTIFICATE=certificate KEY=key; "
	         "store ok; push ${U/http/https} t 2>err; [ $? = 1 ] && grep -qi 't: .*certificate' err && "
	         "! ls store/*.request 2>/dev/null"));
}
END_TEST

/* Each image has its name, and the blocks of the first one are not in the second one's profile. */
START_TEST(each_image_of_a_process_has_its_profiles)
{
	if (!have_trace("each_image_of_a_process_has_its_profiles"))
		return;
	must(run(STORE
	         "ln program other; cat >both.c <<'END'\n#include <unistd.h>\n#include <stdlib.h>\n"
	         "int main(void) { void *volatile p = malloc(5000); (void)p; execl(\"./other\", \"other\", "
	         "(char *)0); return 1; }\nEND\n"
	         "${CC:-gcc} -O1 -fno-builtin-malloc -o both both.c && $B/log-malloc -q -o two ./both <<<3; "
	         "store ok; push $U two || exit; [ $(ls store/*.profile | wc -l) = 2 ] && "
	         "head -1 store/1.request | grep -q 'name=both&' && head -1 store/2.request | grep -q 'name=other&' && "
	         "want() { $B/log-malloc-report --format json two | jq -s \".[$1].leaked.bytes\"; }; [ $(sum 1 3) = "
	         "$(want 0) ] && [ $(sum 2 3) = $(want 1) ]"));
}
END_TEST

START_TEST(nobody_listens)
{
	if (!have_trace("nobody_listens"))
		return;
	must(run(STORE "store ok; kill $STORE; wait $STORE; push $U t 2>err; [ $? = 1 ] && "
	               "grep -qi \"connect to server\" err"));
}
END_TEST

START_TEST(a_signal_sends_what_there_is_and_the_program_goes_on)
{
	static const char *const signals[] = {"TERM", "INT"};

	if (!have_trace("a_signal_sends_what_there_is_and_the_program_goes_on"))
		return;
	must(run(FOLLOW("ok") "sleep 0.3; kill -%s $PUSH; wait $PUSH || exit; came 1; [ $(sum 1 2) -ge 5 ] && [ ! -s "
	                      "err ] && "
	                      "kill -0 $P && echo 1 >&9 && exec 9>&- && wait $P",
	         signals[_i]));
}
END_TEST

START_TEST(a_token_comes_from_a_file_or_the_environment)
{
	if (!have_trace("a_token_comes_from_a_file_or_the_environment"))
		return;
	must(run(STORE "echo sesame >token; printf 'X-Scope-OrgID: team\\n\\nX-Two: 2\\n' >headers; store ok; "
	               "push --token-file token --header @headers --header 'X-Three: 3' $U t && "
	               "grep -q '^Authorization: Bearer sesame' store/1.request && "
	               "grep -q '^X-Scope-OrgID: team' store/1.request && grep -q '^X-Two: 2' store/1.request && "
	               "grep -q '^X-Three: 3' store/1.request && LOG_MALLOC_PUSH_TOKEN=open push $U t && "
	               "grep -q '^Authorization: Bearer open' store/2.request && "
	               "printf 'machine 127.0.0.1 login me password secret\\n' >.netrc && HOME=$PWD push $U t && "
	               "grep -q \"^Authorization: Basic $(printf me:secret | base64)\" store/3.request"));
}
END_TEST

/* It is not over where one of its files is. */
START_TEST(a_sampled_trace_is_followed_into_its_next_file)
{
	if (!can_push("a_sampled_trace_is_followed_into_its_next_file"))
		return;
	must(run(STORE "store ok; " LM
	               " -q --sample 1 --limit 256K -o live $B/tests/programs/rotating 1 1 forever & P=$!; "
	               "until [ -e live.old-1 ]; do sleep 0.02; done; push --every 1s $U live & PUSH=$!; "
	               "came 3 && pkill -P $P; wait $PUSH && [ $(sum 3 2) -gt 32 ] && [ $(sum 3 0) -gt 100 ]"));
}
END_TEST

/*
 * A process that has the files T and U open, of which U is to be the trace's next file, and push, which follows it with
 * the options OPTIONS. go_on: the trace goes on in U. ends: the process does. T has two allocations, of which one
 * stays; more: another one of its blocks. U has two more allocations.
 */
#define FILES(ways, options)                                                                                           \
	STORE "store " ways "; sleep 1000 8>>u 9>>t & P=$!; "                                                          \
	      "head=\"# PID $P\\n# EXE /x/p\\n# FORMAT full\\n# SAMPLE 1\\n+ INIT [0:0] malloc=0\\n\"; "               \
	      "held='+ malloc 3000 0x2000 [0:0]\\n/x/p(held+0x1)[0x1002]\\n'; "                                        \
	      "passed='+ malloc 50 0x9000 [0:0]\\n/x/p(passed+0x1)[0x1009]\\n+ free -50 0x9000 [0:0]\\n'; "            \
	      "printf \"$head$held$passed\" >>t; "                                                                     \
	      "printf \"$head# LIVE 1\\n$held$passed+ malloc 700 0x3000 [0:0]\\n/x/p(new+0x1)[0x1001]\\n\" >>u; "      \
	      "go_on() { echo '# CONTINUED' >>t; mv t t.old-1; mv u t; }; more() { printf \"$passed\" >>t; }; "        \
	      "ends() { kill $P; wait $P; wait $PUSH; }; push " options " $U t 2>err & PUSH=$!; "                      \
	      "until ls -l /proc/$PUSH/fd /proc/$(pgrep -P $PUSH)/fd 2>/dev/null | grep -q ' -> .*/t$'; "              \
	      "do sleep 0.02; done; "

START_TEST(what_several_files_allocated_is_one_profile)
{
	if (!can_push("what_several_files_allocated_is_one_profile"))
		return;
	must(run(FILES("ok",
	               "--every 10m") "more; go_on; ends || exit; ls store; [ $(ls store/*.profile | wc -l) = 1 ] && "
	                              "[ \"$(sum 1 0) $(sum 1 1) $(sum 1 2) $(sum 1 3)\" = '5 3850 2 3700' ] && "
	                              "decode 1 >text && [ $(grep -c '^sample {' text) = 3 ]"));
}
END_TEST

START_TEST(what_a_store_did_not_take_of_an_older_file_is_in_the_next_profile)
{
	if (!can_push("what_a_store_did_not_take_of_an_older_file_is_in_the_next_profile"))
		return;
	/* Neither is it there twice when the store has failed behind the end of that file. */
	must(run(FILES("500 500 500 ok", "--every 1s") "came 1; more; go_on; came 3; ends || exit; all=0; "
	                                               "for p in $(ls store | sed -n 's/[.]profile$//p' | sort -n); do "
	                                               "[ $p -le 3 ] || all=$((all + $(sum $p 0))); last=$p; done; "
	                                               "[ $all = 5 ] && [ $(sum $last 2) = 2 ] && "
	                                               "[ $(sum $last 3) = 3700 ]"));
}
END_TEST

START_TEST(several_traces_are_sent_side_by_side)
{
	if (!have_trace("several_traces_are_sent_side_by_side"))
		return;
	must(run(STORE "cp t t2; store ok; push $U t t2 && [ $(ls store/*.profile | wc -l) = 2 ] && "
	               "push $U t none 2>err; [ $? = 2 ] && grep -q 'none: No such file' err && "
	               "[ $(ls store/*.profile | wc -l) = 3 ]"));
}
END_TEST

START_TEST(a_process_is_found_by_its_number)
{
	if (!have_trace("a_process_is_found_by_its_number"))
		return;
	must(run(STORE "mkfifo in; store ok; $B/log-malloc -q -o live ./program <in & P=$!; exec 9>in; "
	               "until [ -s live ]; do sleep 0.02; done; echo 3 >&9; "
	               "pid=$(sed -n 's/^# PID //p;1q' live); "
	               "push -p $pid $U 9>&- & PUSH=$!; sleep 0.3; exec 9>&-; wait $PUSH && [ $(sum 1 2) -ge 3 ]"));
}
END_TEST

/* Its commands, with other paths and another address. block NAME prints what stands below "test: NAME". */
#define PAGE                                                                                                           \
	"block() { sed -n \"/^<!-- test: $1 -->$/,/^\\`\\`\\`$/p\" $S/docs/fleet.md | sed "                            \
	"\"s|http://localhost:4040|$U|; "                                                                              \
	"s|/var/log/log-malloc/|$PWD/|; s|/trace/|$PWD/|; s|/usr/bin/|$B/|; s|/usr/lib/|$B/|; s|%%d/|$PWD/|; "         \
	"s|%%H|host|\"; }; "

START_TEST(the_commands_of_the_page_about_fleets_work)
{
	if (!have_trace("the_commands_of_the_page_about_fleets_work"))
		return;
	must(run(STORE PAGE
	         "cp t exampled.trace; echo sesame >token; store ok; "
	         "command=$(block push-unit | sed -n 's/^ExecStart=//p'); [ -n \"$command\" ] && $command && "
	         "grep -q '^Authorization: Bearer sesame' store/1.request && "
	         "head -1 store/1.request | grep -qi '/ingest?name=exampled%%7bhost%%3dhost%%7d&' && "
	         "command=$(block sidecar | grep ^log-malloc-push) && PATH=$B:$PATH $command && "
	         "head -1 store/2.request | grep -qi 'name=exampled%%7bzone%%3da%%7d&' && [ $(sum 2 2) -ge 7 ]"));
}
END_TEST

START_TEST(the_settings_of_the_page_about_fleets_make_a_sampled_trace)
{
	must(run(PAGE "U=; settings=$(block traced | sed -n 's/^Environment=//p'); [ -n \"$settings\" ] && "
	              "env $settings true && grep -q '^# SAMPLE 524288$' exampled.trace && "
	              "env $settings LOG_MALLOC_SAMPLE=1 " PROGRAMS "rotating 1 400000 >/dev/null && "
	              "[ -e exampled.trace.old-1 ] && [ $(cat exampled.trace* | wc -c) -le 16777216 ]"));
}
END_TEST

START_TEST(systemd_takes_the_unit_of_the_page)
{
	if (!can_run("systemd_takes_the_unit_of_the_page", "systemd-analyze"))
		return;
	must(run(
		PAGE
		"U=http://localhost; mkdir units; cd units; block push-unit | grep -v '^[`<#]' | "
		"sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' >exampled-push.service; "
		"printf '[Service]\nExecStart=/bin/true\n' >exampled.service; grep -q BindsTo exampled-push.service && "
		"systemd-analyze verify --man=no ./exampled-push.service 2>err; "
		"! grep exampled-push.service err"));
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
	static const char *const wrong[] = {"",
	                                    "http://127.0.0.1:1",
	                                    "ftp://127.0.0.1/ t",
	                                    "file:///tmp/x t",
	                                    "nonsense:// t",
	                                    "http://me:secret@127.0.0.1:1 t",
	                                    "--every 10ms http://127.0.0.1:1 t",
	                                    "--label x http://127.0.0.1:1 t",
	                                    "--label 1x=y http://127.0.0.1:1 t",
	                                    "--label x=a,b http://127.0.0.1:1 t",
	                                    "--name 'a{b}' http://127.0.0.1:1 t",
	                                    "--format pprof --label a=b http://127.0.0.1:1 t",
	                                    "--format xml http://127.0.0.1:1 t",
	                                    "--header nothing http://127.0.0.1:1 t",
	                                    "--header 'authorization: Bearer x' http://127.0.0.1:1 t",
	                                    "--header @none http://127.0.0.1:1 t",
	                                    "--token-file none http://127.0.0.1:1 t",
	                                    "http://127.0.0.1:1 /dev/null",
	                                    "http://127.0.0.1:1 none"};

	if (!have_trace("wrong_usage_is_refused"))
		return;
	are_refused("log-malloc-push", wrong, sizeof wrong / sizeof *wrong);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("push");

	ONCE(a_trace_that_has_ended_is_one_profile);
	ONCE(a_sampled_trace_has_its_period);
	ONCE(a_sampled_process_is_sent_as_it_is_reported);
	ONCE(profiles_have_what_was_allocated_since_the_one_before);
	ONCE(what_a_store_did_not_take_is_in_the_next_profile);
	TIMES(no_store_makes_it_hang_or_grow, 12);
	ONCE(a_store_that_wants_a_pause_gets_it);
	ONCE(a_program_does_not_wait_for_a_store_that_never_answers);
	ONCE(a_name_that_nobody_knows);
	ONCE(a_store_whose_certificate_is_not_trusted_gets_nothing);
	ONCE(each_image_of_a_process_has_its_profiles);
	ONCE(nobody_listens);
	TIMES(a_signal_sends_what_there_is_and_the_program_goes_on, 2);
	ONCE(a_token_comes_from_a_file_or_the_environment);
	ONCE(a_sampled_trace_is_followed_into_its_next_file);
	ONCE(what_several_files_allocated_is_one_profile);
	ONCE(what_a_store_did_not_take_of_an_older_file_is_in_the_next_profile);
	ONCE(several_traces_are_sent_side_by_side);
	ONCE(a_process_is_found_by_its_number);
	ONCE(the_commands_of_the_page_about_fleets_work);
	ONCE(the_settings_of_the_page_about_fleets_make_a_sampled_trace);
	ONCE(systemd_takes_the_unit_of_the_page);
	ONCE(wrong_usage_is_refused);
	return run_suite(suite);
}
