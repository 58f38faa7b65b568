/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs of machines that qemu-user runs. MACHINES chooses: see the table. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linked.h"
#include "support.h"
#include "traced.h"

static const struct machine {
	const char *triplet, *qemu, *settings;
	/* Of the program's own code alone; of it and of what libc's code without tables was called by; or of all code.
	 */
	enum { OWN_BACKTRACES, GUESSED_BACKTRACES, BACKTRACES } backtraces;
	/* The outermost frame, where our own unwinder knows the machine; or NULL. */
	const char *outermost;
	bool is_rare; /* not with MACHINES=quick */
} machines[] = {
	{"aarch64-linux-gnu", "qemu-aarch64", "", BACKTRACES, "_start", false},
	/* What -funwind-tables makes of the program, is read: thumb code, whose return addresses have an odd bit. */
	{"arm-linux-gnueabihf", "qemu-arm", "", GUESSED_BACKTRACES, "_start", false},
	{"arm-linux-gnueabihf", "qemu-arm", "UNWIND=execinfo", OWN_BACKTRACES, NULL, true},
	/* There are no atomic exchanges of 16 bits. A frame pointer points behind what it leads to. */
	{"riscv64-linux-gnu", "qemu-riscv64", "", GUESSED_BACKTRACES, "_start", false},
	/* The highest byte comes first, in 64 bits. Registers are saved in the caller's frame. */
	{"s390x-linux-gnu", "qemu-s390x", "", BACKTRACES, "_start", false},
	/* Its code reads the pc by functions in COMDAT groups. */
	{"i686-linux-gnu", "qemu-i386", "", BACKTRACES, "_start", true},
	/* Calls of local functions differ from those of global ones, and there are no atomic operations of 64 bits. */
	{"mipsel-linux-gnu", "qemu-mipsel", "", GUESSED_BACKTRACES, "__start", true},
	/* The same, and the highest byte of a word comes first. */
	{"mips-linux-gnu", "qemu-mips", "", GUESSED_BACKTRACES, "__start", true},
	/* A function has two entries, and its return address is saved in its caller's frame. _start jumps. */
	{"powerpc64le-linux-gnu", "qemu-ppc64le", "", BACKTRACES, "__libc_start_main", true},
};

#define MACHINES ((int)(sizeof machines / sizeof machines[0]))

/* Each build takes a minute. Those that are left out are skipped with words. MACHINES can be quick, all, or a triplet.
 */
static bool is_chosen(const char *test, const struct machine *machine)
{
	const char *chosen = getenv("MACHINES");
	char name[200];

	if (chosen && (strcmp(chosen, "all") == 0 || strcmp(chosen, machine->triplet) == 0 ||
	               (strcmp(chosen, "quick") == 0 && !machine->is_rare)))
		return true;
	snprintf(name, sizeof name, "%s: %s %s", test, machine->triplet, machine->settings);
	skip(name, "tried with MACHINES=quick or all");
	return false;
}

/* Events of all packed kinds, many more than are written before there is a ring. */
static const char many_c[] = "#include <stdlib.h>\n"
			     "static void *volatile kept[10];\n"
			     "int main(void)\n"
			     "{\n"
			     "	for (int i = 0; i < 2000; i++) {\n"
			     "		void *volatile p = malloc(10 + i % 50), *volatile q = calloc(3, 7), *volatile "
			     "r = calloc(1, 40);\n"
			     "		p = realloc(p, 100 + i % 700);\n"
			     "		p = realloc(p, 101 + i % 700);\n"
			     "		free(q);\n"
			     "		free(i % 200 ? r : NULL);\n"
			     "		if (i % 200 == 0)\n"
			     "			kept[i / 200] = r;\n"
			     "		free(p);\n"
			     "	}\n"
			     "	return 0;\n"
			     "}\n";

/* A packed trace has the other machine's addresses and its order of bytes. Read here, it has to say what text says. */
static void is_the_same_packed(const struct machine *machine)
{
	struct run result =
		run("for f in full compact packed; do LOG_MALLOC_QUIET=1 LOG_MALLOC_STATM=never LOG_MALLOC_FORMAT=$f "
	            "LOG_MALLOC_OUTPUT=$f.trace %s ./many || exit; $B/log-malloc-cat $f.trace | grep '^+' | "
	            "sed 's/0x[0-9a-f]*/A/g' >$f.text; $B/log-malloc-findleak $f.trace | "
	            "sed 's/0x[0-9a-f]*/A/g; s/[0-9]* ms//g; s/lines [0-9]* to [0-9]*//; s/line: [0-9]*//; s/line "
	            "[0-9]*//; s/PROCESS "
	            "[0-9]*//' "
	            ">$f.leaks; done; "
	            "[ $(wc -l <full.text) -gt 13000 ] && cmp full.text compact.text && cmp full.text packed.text && "
	            "cmp full.leaks compact.leaks && cmp full.leaks packed.leaks && "
	            "[ $(stat -c %%s packed.trace) -lt $(($(stat -c %%s compact.trace) / 2)) ]",
	            machine->qemu);

	ck_assert_msg(result.status == 0, "%.400s %.400s", result.out, result.err);
}

/* libc's code has no tables there. The tracker's has, and none of its frames may stand for those that are missing. */
static void is_the_caller_alone(const struct machine *machine)
{
	char command[100];
	const struct traced_call *call;
	struct traced trace;

	snprintf(command, sizeof command, "%s ./strdup", machine->qemu);
	trace = run_soundly(command);
	call = traced_find(&trace, "malloc", STRDUP_SIZE);
	ck_assert_uint_eq(call->depth, 1);
	ck_assert_ptr_nonnull(strstr(traced_symbol(call->frames[0]), "strdup"));
}

/* With names that the tracker has inside, too. */
static const char own_c[] = "#include <stdlib.h>\n"
			    "int lm_hot = 1;\n"
			    "int lm_ring_flush(void) { return lm_hot; }\n"
			    "int main(void)\n"
			    "{\n"
			    "	void *volatile p = malloc(3333);\n"
			    "	free(p);\n"
			    "	return lm_ring_flush() != 1;\n"
			    "}\n";

/*
 * Frames of several kinds: without a frame pointer and with one, of a signal's handler, of a function that had called
 * nothing when the signal came, of code that an exception passes. Sizes tell the calls.
 */
static const char deep_cc[] =
	"#include <alloca.h>\n#include <signal.h>\n#include <stdlib.h>\n#include <string>\n#include <sys/mman.h>\n"
	"#define FRAME extern \"C\" __attribute__((noipa))\n"
	"#define STAY() __asm__ volatile(\"\" ::: \"memory\")\n"
	"void *volatile kept;\nstatic int *volatile page;\nenum { SIZE = 65536 };\n"
	"FRAME void innermost(size_t n) { kept = malloc(n); STAY(); if (n == 4003) throw std::string(\"thrown\"); }\n"
	"FRAME void with_room(size_t n)\n{\n"
	"	volatile char *room = (char *)alloca(n);\n	room[0] = 1;\n"
	"	innermost(n + 1);\n	room[1] = room[0];\n}\n"
	"FRAME void outer(size_t n) { std::string s(2 * n, 'x'); with_room(n); innermost(n + 2); STAY(); }\n"
	"FRAME void handler(int) { kept = malloc(5555); mprotect(page, SIZE, PROT_READ | PROT_WRITE); }\n"
	"FRAME void informed(int, siginfo_t *, void *) { kept = malloc(6666); mprotect(page, SIZE, PROT_READ | "
	"PROT_WRITE); }\n"
	"FRAME int leaf(int n) { *page = n; return n + *page; }\n"
	"FRAME int interrupted(int flags)\n{\n"
	"	struct sigaction action = {};\n"
	"	action.sa_handler = handler;\n"
	"	if (flags) action.sa_sigaction = informed;\n	action.sa_flags = flags;\n"
	"	sigaction(SIGSEGV, &action, NULL);\n"
	"	page = (int *)mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n"
	"	int n = leaf(3);\n	STAY();\n	return n;\n}\n"
	"int main()\n{\n"
	"	outer(1000);\n	interrupted(0);\n	interrupted(SA_SIGINFO);\n"
	"	try { outer(4001); } catch (const std::string &s) { innermost(s.size() + 7001); return 0; }\n"
	"	return 1;\n}\n";

/* Ends without an end: what it recorded is in the journal alone, but for the first 256 events. */
static const char killed_c[] =
	"#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
	"int main(void)\n{\n"
	"	for (int i = 0; i < 1000; i++) {\n"
	"		void *volatile p = malloc(777);\n		if (!p) return 1;\n	}\n"
	"	return kill(getpid(), SIGKILL);\n}\n";

/* Copies of both files say the same. */
static void a_journal_is_read(const struct machine *machine)
{
	static const char *const forms[] = {"full", "compact", "packed"};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct run result =
			run("LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s %s ./killed 1022>trace; cp trace copy && "
		            "cp trace.journal copy.journal || exit 1; for t in trace copy; do "
		            "$B/log-malloc-cat $t | grep -c '^+ malloc 777 '; done; rm -f *.journal",
		            forms[i], machine->qemu);

		ck_assert_msg(result.status == 0, "%s, %s: %.400s", machine->triplet, forms[i], result.err);
		ck_assert_str_eq(result.out, "1000\n1000\n");
	}
}

/* Prints the number of the next descriptor. */
static const char opening_c[] = "#include <fcntl.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
				"int main(void)\n{\n"
				"	void *volatile p = malloc(10);\n	free(p);\n"
				"	printf(\"%d\\n\", open(\"/dev/null\", O_RDONLY));\n	return 0;\n}\n";

/* The trace's descriptors are out of the way, as high as the limit allows. */
static void numbers_of_descriptors_are_as_untraced(const struct machine *machine)
{
	struct run result = run("for limit in 64 4000; do ulimit -n $limit; %s ./opening >untraced && "
	                        "LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=opened.trace %s ./opening >traced && "
	                        "cmp untraced traced && grep -q '^+ FINI' opened.trace || exit; done",
	                        machine->qemu, machine->qemu);

	ck_assert_msg(result.status == 0, "%s: %.400s %.400s", machine->triplet, result.out, result.err);
}

/* Offsets in it have more bits than a word of some machines. */
static void a_trace_is_larger_than_2_gib(const struct machine *machine)
{
	struct run result = run("rm -f big; truncate -s 2100M big && { LOG_MALLOC_QUIET=1 %s ./many 1022>>big; } && "
	                        "tail -c +2202009601 big | grep -ac '^+ FINI'; rm -f big*",
	                        machine->qemu);

	ck_assert_msg(strcmp(result.out, "1\n") == 0 && !*result.err, "%s: %.400s %.400s", machine->triplet, result.out,
	              result.err);
}

/* The compiler and the libc's headers are packages of their own. */
static bool can_compile_for(const char *triplet)
{
	return run("echo '#include <stdlib.h>' | %s-gcc -E -", triplet).status == 0;
}

/*
 * Builds archive and library, with nothing but the cross compiler, installs what a program needs that links the
 * archive, and links programs with it. The builds stay where "make matrix" has its own: each takes a minute.
 */
static void build_for(const struct machine *machine)
{
	struct run made = run("unset CC CXX AR OBJCOPY; for=$B/for/%s$(echo %s | tr = -); ln -s $for cross; " MAKE
	                      "-j2 B=$for DESTDIR=$PWD/dest prefix=/usr CROSS_COMPILE=%s- %s preload install-wrap",
	                      machine->triplet, machine->settings, machine->triplet, machine->settings);

	ck_assert_msg(made.status == 0 && !*made.err, "%s: %.800s", machine->triplet, made.err);
	write_programs();
	write_file("own.c", own_c, sizeof own_c - 1);
	write_file("many.c", many_c, sizeof many_c - 1);
	write_file("killed.c", killed_c, sizeof killed_c - 1);
	write_file("opening.c", opening_c, sizeof opening_c - 1);
	write_file("deep.cc", deep_cc, sizeof deep_cc - 1);
	made = run("export PKG_CONFIG_SYSROOT_DIR=$PWD/dest PKG_CONFIG_LIBDIR=$PWD/dest/usr/lib/pkgconfig\n"
	           "libs=$(${PKG_CONFIG:-pkg-config} --static --cflags --libs log-malloc2-wrap) || exit\n"
	           "for p in strdup own many killed opening; do\n"
	           "%s-gcc -O0 -g -static -o $p $p.c $libs || echo $p >>failed &\n"
	           "done\n"
	           "%s-gcc -g $(${PKG_CONFIG:-pkg-config} --cflags log-malloc2-wrap) -o dynamic strdup.c || "
	           "echo dynamic >>failed &\n"
	           "wait\n"
	           "%s-g++ -O1 -g -static -o deep deep.cc $libs &\n"
	           "%s-g++ -O1 -g $(${PKG_CONFIG:-pkg-config} --cflags log-malloc2-wrap) -o deeper deep.cc\n"
	           "wait; [ ! -e failed ]",
	           machine->triplet, machine->triplet, machine->triplet, machine->triplet);
	ck_assert_msg(made.status == 0, "%s: %.800s", machine->triplet, made.err);
}

/* With the library that was built for the machine. */
#define PRELOADED "-E LD_PRELOAD=$PWD/cross/liblog-malloc2.so"

/*
 * The target's libc lies where its compiler finds it. The machine that this runs on may have libraries for the other
 * one, which do not go with its loader. The arguments are the emulator, and the triplet.
 */
#define LIBRARIES "$(dirname $(%2$s-gcc -print-file-name=libc.so.6))"
#define EMULATED  "%1$s -L " LIBRARIES "/.. -E LD_LIBRARY_PATH=" LIBRARIES

static struct traced run_machine(const struct machine *machine, const char *options, const char *program)
{
	char command[500];

	snprintf(command, sizeof command, EMULATED " %3$s ./%4$s", machine->qemu, machine->triplet, options, program);
	return run_soundly(command);
}

/* The program that calls strdup alone: the first of its calls, and whether the trace has what the machine can tell. */
static void strdup_is_traced(const struct machine *machine, const char *options, const char *program)
{
	struct traced trace = run_machine(machine, options, program);
	const struct traced_call *call = traced_find(&trace, "malloc", STRDUP_SIZE);

	ck_assert_uint_ge(call->depth, 3);
	ck_assert_ptr_nonnull(strstr(traced_symbol(call->frames[0]), "strdup"));
	ck_assert_str_eq(traced_symbol(call->frames[1]), "main");
	ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), machine->outermost);
	ck_assert_int_eq(
		run("grep -q \"^# GUESSED $(grep -om 1 '(main+.*' trace | sed 's/.*\\[//; s/\\].*//')$\" trace").status,
		machine->backtraces != GUESSED_BACKTRACES);
	if (machine->backtraces == GUESSED_BACKTRACES)
		return;
	for (size_t i = 0; i < trace.count; i++) {
		call = &trace.list[i];
		if (!parse_is_free(call->event.call))
			ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), machine->outermost);
	}
}

/* Its libc can tag memory, and the pointers to it in their highest byte. Ten blocks of 40 bytes stay. */
static void tagged_memory_is_known(const struct machine *machine)
{
	struct traced trace;

	must(run("%s-gcc -g -fno-builtin -o many-dynamic many.c", machine->triplet));
	trace = run_machine(machine, PRELOADED " -E GLIBC_TUNABLES=glibc.mem.tagging=3", "many-dynamic");
	ck_assert_uint_eq(trace.heap.counts.foreign, 0);
	ck_assert_uint_eq(trace.heap.blocks, 10);
	ck_assert_uint_eq(trace.heap.bytes, 400);
	must(run("! grep -q unkept= trace && grep -q '^+ malloc [0-9]* 0x[1-9a-f]00[0-9a-f]\\{12\\} ' trace"));
}

/* ---- backtraces of 32-bit ARM ---- */

/* Each way to make a frame, exceptions, and handlers: without and with a siginfo, on another stack. */
static const char frames_cc[] =
	"#include <alloca.h>\n#include <csignal>\n#include <cstdarg>\n#include <cstdlib>\n#include <stdexcept>\n"
	"#include <sys/time.h>\n#define KEPT extern \"C\" __attribute__((noinline))\n"
	"static void *volatile kept;\nstatic volatile int end;\n"
	"KEPT void take(size_t n) { kept = malloc(n); end = 0; }\n"
	"KEPT void plain(size_t n) { take(n); end = 0; }\n"
	"KEPT void with_room(size_t n) { volatile char *p = (char *)alloca(n); p[0] = 1; take(n); p[1] = p[0]; }\n"
	"KEPT double with_doubles(size_t n, double a, double b)\n"
	"{ double c = a * b, d = a / b; take(n); return c * d + a + b; }\n"
	"KEPT void large(size_t n) { volatile char p[5000]; p[0] = 1; take(n); p[4999] = p[0]; }\n"
	"KEPT void variadic(size_t n, ...) { va_list l; va_start(l, n); plain(n + va_arg(l, int)); va_end(l); }\n"
	"KEPT void thrower(size_t n) { take(n); throw std::runtime_error(\"expected\"); }\n"
	"KEPT void catcher(size_t n)\n"
	"{ try { thrower(n); } catch (const std::exception &) { take(n + 1); } }\n"
	"KEPT void handler(int) { take(26008); end = 1; }\n"
	"KEPT void info_handler(int, siginfo_t *, void *) { take(26009); end = 1; }\n"
	"KEPT void interrupted(void)\n"
	"{ itimerval t = {{0, 0}, {0, 1000}}; end = 0; setitimer(ITIMER_REAL, &t, NULL); while (!end); }\n"
	"int main()\n{\n"
	"	stack_t stack = {};\n	struct sigaction action = {};\n"
	"	plain(26001); with_room(26002); with_doubles(26003, 1.5, 2.5); large(26004); variadic(26003, 2);\n"
	"	catcher(26006);\n"
	"	action.sa_handler = handler; sigaction(SIGALRM, &action, NULL); interrupted();\n"
	"	stack.ss_size = 65536; stack.ss_sp = malloc(65536); sigaltstack(&stack, NULL);\n"
	"	action.sa_sigaction = info_handler; action.sa_flags = SA_SIGINFO | SA_ONSTACK;\n"
	"	sigaction(SIGALRM, &action, NULL); interrupted();\n	return 0;\n}\n";

/* The frames from malloc to main; "" is one of any name, where a handler returns to. */
static const struct {
	uint64_t size;
	const char *frames[7];
} arm_frames[] = {
	{26001, {"take", "plain", "main"}},
	{26002, {"take", "with_room", "main"}},
	{26003, {"take", "with_doubles", "main"}},
	{26004, {"take", "large", "main"}},
	{26005, {"take", "plain", "variadic", "main"}},
	{26006, {"take", "thrower", "catcher", "main"}},
	{26007, {"take", "catcher", "main"}},
	{26008, {"take", "handler", "", "interrupted", "main"}},
	{26009, {"take", "info_handler", "", "interrupted", "main"}},
};

/* Both encodings, with and without frame pointers, linked and preloaded. */
static const struct {
	const char *flags;
	bool is_static;
} arm_codes[] = {
	{"-marm -O0", true},
	{"-mthumb -O2", true},
	{"-mthumb -O0", false},
	{"-marm -O2 -fomit-frame-pointer", false},
};

static void arm_frames_are_found(const struct traced *trace, const char *flags)
{
	for (size_t i = 0; i < sizeof arm_frames / sizeof *arm_frames; i++) {
		const struct traced_call *call = traced_find(trace, "malloc", arm_frames[i].size);

		for (size_t at = 0; arm_frames[i].frames[at]; at++) {
			const char *expected = arm_frames[i].frames[at];

			ck_assert_msg(at < call->depth &&
			                      (!*expected || strcmp(traced_symbol(call->frames[at]), expected) == 0),
			              "%s, %d: no frame %zu %s", flags, (int)arm_frames[i].size, at, expected);
		}
		ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), "_start");
	}
}

static void arm_code_is_unwound(const struct machine *machine)
{
	char program[100];

	snprintf(program, sizeof program, "%s-g++", machine->triplet);
	if (!can_run("programs_of_other_machines_are_traced: C++ of 32-bit ARM", program))
		return;
	write_file("frames.cc", frames_cc, sizeof frames_cc - 1);
	for (size_t i = 0; i < sizeof arm_codes / sizeof *arm_codes; i++) {
		const char *flags = arm_codes[i].flags;
		struct traced trace;

		/* The flags that make tables are the .pc file's. */
		must(run("export PKG_CONFIG_SYSROOT_DIR=$PWD/dest PKG_CONFIG_LIBDIR=$PWD/dest/usr/lib/pkgconfig\n"
		         "%s -g %s%s -o frames frames.cc $(${PKG_CONFIG:-pkg-config} --static --cflags %s "
		         "log-malloc2-wrap)",
		         program, flags, arm_codes[i].is_static ? " -static" : "",
		         arm_codes[i].is_static ? "--libs" : ""));
		trace = run_machine(machine, arm_codes[i].is_static ? "" : PRELOADED, "frames");
		arm_frames_are_found(&trace, flags);
	}
	/* This takes the loader's lock. While the library is loaded, it may do so itself. */
	must(run("ls cross/obj/src/core/unwind/*/*.o"));
	ck_assert_int_ne(run("find cross/obj/src/core -name '*.o' -exec %s-nm {} + | grep -e dl_iterate_phdr -e "
	                     "_Unwind_Backtrace",
	                     machine->triplet)
	                         .status,
	                 0);
}

/* The frames of CALL from INDEX on are NAMES, and somewhere behind them is the outermost one. */
static void has_frames(const struct machine *machine, const struct traced_call *call, size_t index,
                       const char *const *names)
{
	for (; *names; names++, index++) {
		ck_assert_msg(index < call->depth, "%s: no frame %s", machine->triplet, *names);
		ck_assert_str_eq(traced_symbol(call->frames[index]), *names);
	}
	ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), machine->outermost);
}

static void has_deep_frames(const struct machine *machine, const char *command)
{
	static const char *const with_room[] = {"innermost", "with_room", "outer", "main", NULL};
	static const char *const plain[] = {"innermost", "outer", "main", NULL};
	static const char *const catching[] = {"innermost", "main", NULL};
	static const char *const from_signal[] = {"leaf", "interrupted", "main", NULL};
	static const struct {
		uint64_t size;
		const char *const *names;
	} calls[] = {{1001, with_room}, {1002, plain}, {4002, with_room}, {4003, plain}, {7007, catching}};
	struct traced trace = run_linked(command);
	const struct traced_call *call;

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		has_frames(machine, traced_find(&trace, "malloc", calls[i].size), 0, calls[i].names);
	call = traced_find(&trace, "malloc", 5555);
	ck_assert_str_eq(traced_symbol(call->frames[0]), "handler");
	has_frames(machine, call, frame_of(call, "leaf"), from_signal);
	call = traced_find(&trace, "malloc", 6666);
	ck_assert_str_eq(traced_symbol(call->frames[0]), "informed");
	has_frames(machine, call, frame_of(call, "leaf"), from_signal);
}

/* Our own unwinder finds all frames of code that has tables. */
static void frames_are_found(const struct machine *machine, const char *preloading)
{
	char command[500];

	if (run("[ -x deep ] && [ -x deeper ]").status != 0) {
		snprintf(command, sizeof command, "%s-g++ or its library is not installed", machine->triplet);
		skip("programs_of_other_machines_are_traced: frames of several kinds", command);
		return;
	}
	snprintf(command, sizeof command, "%s ./deep", machine->qemu);
	has_deep_frames(machine, command);
	snprintf(command, sizeof command, "%s ./deeper", preloading);
	has_deep_frames(machine, command);
}

START_TEST(programs_of_other_machines_are_traced)
{
	const struct machine *machine = &machines[_i];
	const struct traced_call *call;
	struct traced trace;
	char why[100], preloading[400];

	if (!is_chosen("programs_of_other_machines_are_traced", machine))
		return;
	if (!can_compile_for(machine->triplet) || !have_command(machine->qemu)) {
		snprintf(why, sizeof why, "%s-gcc, its libc or %s is not installed", machine->triplet, machine->qemu);
		skip("programs_of_other_machines_are_traced", why);
		return;
	}
	build_for(machine);
	is_the_same_packed(machine);
	a_journal_is_read(machine);
	numbers_of_descriptors_are_as_untraced(machine);
	a_trace_is_larger_than_2_gib(machine);
	snprintf(preloading, sizeof preloading, EMULATED " " PRELOADED, machine->qemu, machine->triplet);
	if (machine->outermost)
		frames_are_found(machine, preloading);
	if (machine->backtraces == OWN_BACKTRACES) {
		trace = run_machine(machine, "", "own");
		calls_from(&trace, "malloc", 3333, "main");
		call = traced_find(&trace, "malloc", 3333);
		ck_assert_uint_ge(call->depth, 2);
		ck_assert_ptr_null(strstr(traced_symbol(call->frames[1]), "lm_"));
		is_the_caller_alone(machine);
		return;
	}
	if (strncmp(machine->triplet, "arm", 3) == 0)
		arm_code_is_unwound(machine);
	if (strncmp(machine->triplet, "aarch64", 7) == 0)
		tagged_memory_is_known(machine);
	strdup_is_traced(machine, "", "strdup");
	strdup_is_traced(machine, PRELOADED, "dynamic");
}
END_TEST

/* Writes the places of a ring in each of their states to standard output. */
static const char places_c[] =
	"#include <stdio.h>\n#include <string.h>\n#include \"place.h\"\n"
	"int main(void)\n{\n"
	"	static _Alignas(8) unsigned char bytes[512];\n"
	"	static const unsigned char closing[] = {LM_JOURNAL_CLOSING};\n"
	"	static const char text[] = \"+ malloc 1 0x10 [1:1]   \\n\";\n"
	"	const struct iovec part = {(void *)text, sizeof text - 1};\n"
	"	struct lm_journal_header header = {LM_JOURNAL_MAGIC, 1, 2, 3, 4, 5, 6, 1};\n"
	"	uint64_t word = lm_packed_first(LM_PACKED_FREE, 5, 0x12345678);\n"
	"	lm_place_open(bytes, 0x10203);\n"
	"	lm_place_record(bytes + 32, &part, 1, sizeof text - 1, 0);\n"
	"	lm_place_void(bytes + 64, 21, 0);\n"
	"	memcpy(bytes + 96, closing, 1);\n	lm_place_void(bytes + 96, 21, 0);\n"
	"	lm_place_open_words(bytes + 128, 0x10200);\n"
	"	lm_place_record(bytes + 160, &part, 1, sizeof text - 1, 1);\n"
	"	lm_place_put_words(bytes + 192, &word, 1);\n"
	"	lm_place_void(bytes + 224, 16, 1);\n"
	"	lm_journal_header_turn(&header);\n	memcpy(bytes + 256, &header, sizeof header);\n"
	"	return fwrite(bytes, sizeof bytes, 1, stdout) != 1;\n}\n";

START_TEST(a_ring_has_the_same_bytes_on_every_machine)
{
	const char *triplet = machines[_i].triplet, *qemu = machines[_i].qemu;
	char text[100];
	struct run result;

	if (!is_chosen("a_ring_has_the_same_bytes_on_every_machine", &machines[_i]))
		return;
	snprintf(text, sizeof text, "%s-gcc", triplet);
	if (!can_run("a_ring_has_the_same_bytes_on_every_machine", text) ||
	    !can_run("a_ring_has_the_same_bytes_on_every_machine", qemu))
		return;
	write_file("places.c", places_c, sizeof places_c - 1);
	result = run(
		"for c in %s-gcc ${CC:-cc}; do $c -static -D_GNU_SOURCE -iquote $S/src/format -iquote $S/src/core/port "
		"-iquote $S/src/core/out -o places.$c places.c $S/src/core/out/place.c || exit; done; "
		"%s ./places.%s-gcc >theirs && ./places.${CC:-cc} >ours && cmp ours theirs && "
		"head -c 5 ours | od -An -tx1; tail -c +257 ours | head -c 8",
		triplet, qemu, triplet);
	ck_assert_msg(result.status == 0, "%s: %.400s %.400s", triplet, result.out, result.err);
	/* PENDING and the length, lowest byte first. */
	ck_assert_str_eq(result.out, " 01 03 02 01 00\n\nLMJRNL4");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machines");
	TCase *tcase = group(suite, "machines", NULL);

	tcase_add_loop_test(tcase, programs_of_other_machines_are_traced, 0, MACHINES);
	tcase_add_loop_test(tcase, a_ring_has_the_same_bytes_on_every_machine, 0, MACHINES);
	return run_suite(suite);
}
