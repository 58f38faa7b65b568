/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the program of a trace is, when it is not where the trace says: --exe, --sysroot, --debug-dir. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stands in for a chip's program: no libc, functions in flash and in RAM. The labels are return addresses. */
static const char firmware_c[] =
	"void *keep;\n"
	"__attribute__((noinline)) void *take(unsigned n) { __asm__ volatile(\"\" : \"+r\"(n)); return (void *)(n * "
	"8ul); }\n"
	"static inline __attribute__((always_inline)) void *inner(unsigned n) { void *p = take(n);\n" /* line 3 */
	"	__asm__ volatile(\".globl after_take\\nafter_take:\" : \"+r\"(p)); return p; }\n"
	"__attribute__((noinline)) void grab(unsigned n) { keep = inner(n); keep = (char *)keep + n; }\n" /* line 5 */
	"__attribute__((noinline, section(\".ramcode\"))) void in_ram(void) { grab(7);\n"                 /* line 6 */
	"	__asm__ volatile(\".globl after_grab\\nafter_grab:\" : : : \"memory\"); keep = 0; }\n"
	"void start(void) { void (*volatile f)(void) = in_ram; for (;;) f(); }\n";

/* Its flash and its RAM are far apart, and the segment in RAM is not the first. */
static const char firmware_ld[] = "ENTRY(start)\n"
				  "SECTIONS {\n"
				  "	.text 0x8000400 : { *(.text*) *(.rodata*) }\n"
				  "	.ramcode 0x20000100 : { *(.ramcode*) *(.data*) *(.bss*) *(COMMON) }\n"
				  "	/DISCARD/ : { *(.note*) *(.ARM.*) *(.eh_frame*) *(.comment) }\n"
				  "}\n";

static const struct kind {
	const char *compiler, *flags;
	unsigned bit; /* of the addresses of its code */
} kinds[] = {
	{"${CC:-cc}", "-fcf-protection=none -no-pie", 0},
	{"${CC:-cc}", "-m32 -fcf-protection=none -no-pie -gdwarf-4", 0},
	{"arm-none-eabi-gcc", "-mcpu=cortex-m3 -mthumb -mlong-calls", 1},
	{"arm-none-eabi-gcc", "-mcpu=cortex-m4 -mthumb -mlong-calls -gdwarf-4", 1},
	{"arm-linux-gnueabihf-gcc", "-mthumb -mlong-calls -no-pie", 1},
	{"riscv64-unknown-elf-gcc", "-march=rv32imac -mabi=ilp32 -mcmodel=medany", 0},
	{"mips-linux-gnu-gcc", "-mno-abicalls -fno-pic -mlong-calls -no-pie", 0},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool build_firmware(const struct kind *kind)
{
	/* The machine that this test runs on need not be an x86 one. */
	const char *flags =
		kind->compiler[0] == '$' && run("[ $(uname -m) = x86_64 ]").status ? "-no-pie" : kind->flags;

	if (run("command -v %s", kind->compiler).status)
		return false;
	write_file("fw.c", firmware_c, strlen(firmware_c));
	write_file("fw.ld", firmware_ld, strlen(firmware_ld));
	must(run("%s %s -g -O1 -ffreestanding -nostdlib -static -Wl,--build-id=none -Wl,-T,fw.ld -o fw.elf fw.c 2>&1",
	         kind->compiler, flags));
	return true;
}

/* Writes the shell's functions that make frames: "at NAME BIT" is the address of a label. */
#define AT                                                                                                             \
	"at() { printf '0x%%x' $((0x$(readelf -sW ${3:-fw.elf} | awk -v n=$1 '$8 == n { print $2; exit }') | $2)); };"

/* Writes the trace ./t: a leak of 700 bytes with HEAD in front, and OBJECT in front of each frame. */
static void write_trace(const char *head, const char *object, unsigned bit)
{
	must(run(AT "O='%s'; f() { [ \"$O\" ] && printf '%%s(+%%s)[%%s]\\n' \"$O\" $1 $1 || printf '[%%s]\\n' $1; };"
	            "{ printf '%s+ INIT [0:0] malloc=0\\n+ malloc 700 0x20001000 [700:704]\\n';"
	            "f $(at after_take %u); f $(at after_grab %u); } >t",
	         object, head, bit, bit));
}

static const char functions[] = "inner fw.c:[34] true\ngrab fw.c:5 false\nin_ram fw.c:[67] false\n";

/* Does "findleak OPTIONS" name all functions, files and lines? */
static bool names_all(const char *options)
{
	write_file("expected", functions, strlen(functions));
	return run("$B/log-malloc-findleak --format=json %s >json; jq -r '.leaks[].backtrace[] | \"\\(.function) "
	           "\\(.file // \"\" | split(\"/\") | last):\\(.line) \\(.inlined)\"' json >found; cat found;"
	           "[ $(wc -l <found) = 3 ] && paste -d '#' found expected | while IFS='#' read -r a b; do"
	           "  [[ $a =~ ^$b$ ]] || exit 1; done",
	           options)
	               .status == 0;
}

START_TEST(a_chips_program_is_read_on_another_machine)
{
	const struct kind *kind = &kinds[_i];
	static const struct {
		const char *head, *object;
	} traces[] = {
		{"", ""},
		{"# EXE app.axf\\n# MODULE 8000000-8001000 0 - app.axf\\n", "app.axf"},
		{"# MODULE 8000000-20001000 0 - app.axf\\n", ""},
		{"# EXE /build/app.axf\\n", ""},
		{"", "app.axf"},
		{"# PID 1\\n# EXE fw.elf\\n# MODULE 8000000-8001000 0 - fw.elf\\n", "fw.elf"},
	};

	if (!can_run("a_chips_program_is_read_on_another_machine", "jq"))
		return;
	if (!build_firmware(kind)) {
		skip("a_chips_program_is_read_on_another_machine", "a cross compiler is not installed");
		return;
	}
	must(run("mkdir elsewhere; mv fw.elf elsewhere; cp elsewhere/fw.elf fw.elf"));
	for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
		write_trace(traces[i].head, traces[i].object, kind->bit);
		must(run("mv fw.elf kept"));
		ck_assert_msg(names_all("--exe elsewhere/fw.elf t"), "%s %zu: %s", kind->compiler, i,
		              run("cat found").out);
		ck_assert_msg(!names_all("t"), "%s %zu", kind->compiler, i);
		must(run("mv kept fw.elf"));
	}
}
END_TEST

START_TEST(every_command_that_names_frames_has_the_programs_names)
{
	static const char *const commands[] = {"log-malloc-findleak t",
	                                       "log-malloc-report t",
	                                       "log-malloc-report --format=folded t",
	                                       "log-malloc-diff empty t",
	                                       "log-malloc-cat --grep in_ram t | grep -q after && echo grab; echo",
	                                       "backtrace2line t"};

	ck_assert(build_firmware(&kinds[0]));
	write_trace("", "", 0);
	must(run("mkdir other; mv fw.elf other/; printf '+ INIT [0:0] malloc=0\\n' >empty"));
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strstr(commands[i], "--grep"))
			must(run("[ $($B/log-malloc-cat --grep in_ram --exe other/fw.elf t | grep -c '^+ malloc') = 1 "
			         "] &&"
			         "[ $($B/log-malloc-cat --grep in_ram t | grep -c '^+ malloc') = 0 ]"));
		else
			must(run("$B/%s --exe other/fw.elf | grep grab; [ $? = 0 ]", commands[i]));
	}
}
END_TEST

START_TEST(of_several_programs_each_has_its_own_addresses)
{
	struct run r;

	ck_assert(build_firmware(&kinds[0]));
	write_trace("", "", 0);
	/* A loader in front of the program. */
	must(run("sed 's/0x8000400/0x8010400/; s/0x20000100/0x20010100/' fw.ld >boot.ld; sed 's/grab/boot/g; "
	         "s/in_ram/boot_ram/' "
	         "fw.c >boot.c; ${CC:-cc} -no-pie -g -O1 -ffreestanding -nostdlib -static -Wl,--build-id=none "
	         "-Wl,-T,boot.ld -o boot.elf boot.c"));
	must(run(AT "{ printf '+ malloc 60 0x20002000 [760:768]\\n['; at after_take 0 boot.elf; echo ']'; } >>t"));
	r = run("$B/log-malloc-findleak --exe boot.elf --exe=fw.elf t | grep -o '^  *[a-z_]*  *[^ ]*\\.c:'|tr -s ' '");
	ck_assert_msg(strstr(r.out, "/fw.c:") && strstr(r.out, " boot "), "%s%s", r.out, r.err);
	/* One that is not the trace's is told. */
	r = run("$B/log-malloc-findleak --exe boot.elf --exe=fw.elf --exe /bin/true t >out");
	ck_assert_str_eq(r.err, "log-malloc-findleak: /bin/true: nothing in the trace goes with it: not used\n");
}
END_TEST

START_TEST(files_are_looked_for_beside_the_trace_and_below_the_sysroot)
{
	static const struct {
		const char *place, *options;
	} places[] = {
		{"there/build/app.axf", "there/t"},
		{"root/build/app.axf", "--sysroot root there/t"},
		{"root/build/app.axf", "--sysroot $PWD/root - <there/t"},
		{"build/app.axf", "- <there/t"},
		{"dbg/app.axf", "--debug-dir dbg there/t"},
		{"dbg/app.axf.debug", "--debug-dir there --debug-dir dbg there/t"},
		{"dbg/build/app.axf", "--debug-dir there:dbg there/t"},
		{"any.elf", "--exe any.elf there/t"},
	};

	if (!can_run("files_are_looked_for_beside_the_trace_and_below_the_sysroot", "jq"))
		return;
	ck_assert(build_firmware(&kinds[0]));
	write_trace("# MODULE 8000000-20001000 0 - build/app.axf\\n", "build/app.axf", 0);
	must(run("mkdir there && mv t there/"));
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		ck_assert_msg(!names_all(places[i].options) || strstr(places[i].options, "--exe"), "%s",
		              places[i].options);
		must(run("mkdir -p $(dirname %s) && cp fw.elf %s", places[i].place, places[i].place));
		ck_assert_msg(names_all(places[i].options), "%s: %s", places[i].options, run("cat found").out);
		must(run("rm %s", places[i].place));
	}
	/* A path can't lead out of the sysroot. */
	must(run("mkdir -p root/build; cp fw.elf app.axf; ln -s ../../app.axf root/build/app.axf"));
	ck_assert(!names_all("--sysroot root there/t"));
}
END_TEST

START_TEST(a_program_that_is_not_here_is_told_once_with_what_to_type)
{
	struct run r;

	ck_assert(build_firmware(&kinds[0]));
	write_trace("# EXE app.axf\\n# MODULE 8000000-20001000 0 - app.axf\\n", "app.axf", 0);
	r = run("cat t t >two; $B/log-malloc-findleak two >out");
	ck_assert_str_eq(r.err,
	                 "log-malloc-findleak: app.axf: no symbols: the program is not here: give it by --exe FILE, "
	                 "or by --sysroot DIR the directory that was its root\n");
	write_trace("", "", 0);
	r = run("cat t t >two; $B/log-malloc-findleak two >out");
	ck_assert_str_eq(
		r.err, "log-malloc-findleak: no symbols: the trace does not name its program: give it by --exe FILE\n");
	/* Nothing is looked up. */
	ck_assert_str_eq(run("$B/log-malloc-findleak -n two >out").err, "");
}
END_TEST

START_TEST(the_build_id_decides_which_file_it_is)
{
	static const char name[] = "the_build_id_decides_which_file_it_is";
	static const char program[] =
		"#include <stdlib.h>\n"
		"char *volatile keep;\n"
		"__attribute__((noinline)) static void lose(size_t n) { keep = malloc(n); }\n" /* line 3 */
		"int main(void) { lose(1234); keep = 0; return 0; }\n";
	struct run r;

	if (!can_run(name, "objcopy"))
		return;
	write_file("p.c", program, strlen(program));
	must(run("mkdir -p bin same other && ${CC:-cc} -g -O1 -Wl,--build-id -o same/whatever p.c &&"
	         "strip -o bin/app same/whatever && ${CC:-cc} -g -O2 -DOTHER -Wl,--build-id=uuid -o other/app p.c "
	         "&& $B/log-malloc -q -o t bin/app && mv bin gone"));
	/* Its name does not matter. */
	must(run("$B/log-malloc-findleak --exe same/whatever t | grep '^ *lose .*p\\.c:3 '"));
	must(run("$B/log-malloc-findleak --exe other/app --exe same/whatever t 2>err | grep '^ *lose .*p\\.c:3 '"));
	/* Another build of the same name is refused. */
	r = run("$B/log-malloc-findleak --exe other/app t | grep -c 'p\\.c:'");
	ck_assert_str_eq(r.out, "0\n");
	ck_assert_msg(
		strstr(r.err, ": other/app: not the file that the trace is about (its build-id differs): not used"),
		"%s", r.err);
	/* Without a build-id, it is the name, and the user vouches for a file that is newer. */
	must(run("objcopy -R .note.gnu.build-id same/whatever same/app; cp same/app bare;"
	         "strip bare; mkdir bin; cp bare bin/app; $B/log-malloc -q -o u bin/app; rm bin/app; touch same/app"));
	must(run("$B/log-malloc-findleak --exe same/app u | grep '^ *lose .*p\\.c:3 '"));
	must(run("cp same/app renamed; $B/log-malloc-findleak --exe renamed u | grep '^ *lose .*p\\.c:3 '"));
	/* A file that contradicts the trace is not used. */
	must(run("{ echo 'int more(int a) { return 3 * a; } int most(int a) { return 7 * more(a); }'; cat p.c; } >q.c;"
	         "${CC:-cc} -g -O0 -Wl,--build-id=none -o q p.c; $B/log-malloc -q -o v ./q;"
	         "${CC:-cc} -g -O0 -Wl,--build-id=none -o q q.c"));
	r = run("mv q moved; $B/log-malloc-findleak --exe moved v | grep -c '[pq]\\.c:'");
	ck_assert_str_eq(r.out, "0\n");
	ck_assert_msg(strstr(r.err, ": moved: not the file that the trace is about (it has "), "%s", r.err);
}
END_TEST

START_TEST(debug_directories_have_programs_by_build_id)
{
	static const char program[] = "#include <stdlib.h>\n"
				      "char *volatile keep;\n"
				      "__attribute__((noinline)) static void lose(size_t n) { keep = malloc(n); }\n"
				      "int main(void) { lose(1234); keep = 0; return 0; }\n";
	static const char *const states[] = {"true", "rm -f bin/app"};

	write_file("p.c", program, strlen(program));
	must(run("mkdir -p bin dbg/.build-id/12 && ${CC:-cc} -g -O1 -Wl,--build-id=0x12345678 -o whole p.c &&"
	         "strip -o bin/app whole && $B/log-malloc -q -o t bin/app"));
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		must(run("%s; ! $B/log-malloc-findleak --debug-dir dbg t 2>err | grep 'p\\.c:'", states[i]));
		must(run("cp whole dbg/.build-id/12/345678; $B/log-malloc-findleak --debug-dir dbg t | grep 'p\\.c:3 "
		         "'"));
		must(run("mkdir -p dbg$PWD/bin; mv dbg/.build-id/12/345678 dbg$PWD/bin/app;"
		         "$B/log-malloc-findleak --debug-dir dbg t | grep 'p\\.c:3 '; rm dbg$PWD/bin/app"));
		must(run("cp whole dbg/any.name; cp /bin/true dbg/other; mkfifo dbg/fifo; ln -s nothing dbg/link;"
		         "$B/log-malloc-findleak --debug-dir dbg t | grep 'p\\.c:3 ' && rm dbg/any.name dbg/other "
		         "dbg/fifo dbg/link"));
	}
}
END_TEST

START_TEST(what_is_no_program_is_refused_as_one)
{
	static const char *const files[] = {"--exe nothing t",
	                                    "--exe . t",
	                                    "--exe text t",
	                                    "--exe empty t",
	                                    "--exe fifo t",
	                                    "--exe object.o t",
	                                    "--exe fw.elf --exe text t"};
	struct run r;

	ck_assert(build_firmware(&kinds[0]));
	write_trace("", "", 0);
	must(run("echo x >text; : >empty; mkfifo fifo; ${CC:-cc} -c -o object.o fw.c"));
	are_refused("log-malloc-findleak", files, sizeof files / sizeof *files);
	are_refused("log-malloc-cat", files, sizeof files / sizeof *files);
	are_refused("backtrace2line", files, sizeof files / sizeof *files);
	/* Cut anywhere: refused, or all of it is there. */
	must(run("size=$(stat -c %%s fw.elf); for ((n = 1; n < size; n += 1 + size / 60)); do head -c $n fw.elf >cut;"
	         "$B/log-malloc-findleak --exe cut t >out 2>err; [ $? = 2 ] || { echo $n; exit 1; };"
	         "grep -q '^log-malloc-findleak: cut: ' err && [ ! -s out ] || exit 1; done"));
	if (run("[ $(id -u) = 0 ]").status == 0)
		r = run("chmod 755 .; chmod 0 fw.elf; chmod 644 t; setpriv --reuid 65534 --clear-groups "
		        "$B/log-malloc-findleak --exe fw.elf t");
	else
		r = run("chmod 0 fw.elf; $B/log-malloc-findleak --exe fw.elf t");
	ck_assert_int_ne(r.status, 0);
	ck_assert_str_eq(r.out, "");
}
END_TEST

START_TEST(a_damaged_program_is_no_danger)
{
	ck_assert(build_firmware(&kinds[0]));
	write_trace("", "", 0);
	/* Each time another part of the file is overwritten. */
	must(run("size=$(stat -c %%s fw.elf); for ((n = 16; n < size; n += 1 + size / 80)); do cp fw.elf damaged;"
	         "printf '\\377\\376\\200\\177\\001\\377\\377\\377\\377' | dd of=damaged bs=1 seek=$n conv=notrunc "
	         "2>dd; timeout 20 $B/log-malloc-findleak --exe damaged t >out 2>err; [ $? -le 2 ] || { echo $n; exit "
	         "1; };"
	         "done"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exe");
	TCase *tcase = tcase_create("exe");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, a_chips_program_is_read_on_another_machine, 0, KINDS);
	tcase_add_test(tcase, every_command_that_names_frames_has_the_programs_names);
	tcase_add_test(tcase, of_several_programs_each_has_its_own_addresses);
	tcase_add_test(tcase, files_are_looked_for_beside_the_trace_and_below_the_sysroot);
	tcase_add_test(tcase, a_program_that_is_not_here_is_told_once_with_what_to_type);
	tcase_add_test(tcase, the_build_id_decides_which_file_it_is);
	tcase_add_test(tcase, debug_directories_have_programs_by_build_id);
	tcase_add_test(tcase, what_is_no_program_is_refused_as_one);
	tcase_add_test(tcase, a_damaged_program_is_no_danger);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
