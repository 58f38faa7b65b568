/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is handed on: the tarball of the sources, and Debian's packages as far as that can be seen without building. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* The settings of 'make check' are not those of the makes in here. */
#define MAKE "env -u MAKEFLAGS -u MFLAGS -u LM_BUILD -u DESTDIR make --no-print-directory "

static bool can_pack(const char *test)
{
	if (!can_run(test, "xz"))
		return false;
	if (run("cd $S && { [ -f MANIFEST ] || git log -1; }").status != 0) {
		skip(test, "these sources are neither a clone nor an unpacked tarball");
		return false;
	}
	return true;
}

/* Whoever makes it, and from what: a clone, or the sources that were in such a tarball. */
START_TEST(the_tarball_has_the_same_bytes_each_time)
{
	if (!can_pack("the_tarball_has_the_same_bytes_each_time"))
		return;
	must(run(MAKE "-C $S B=$PWD/1 dist"));
	must(run("umask 077; export LC_ALL=C TZ=Asia/Tokyo; mkdir 2 && tar -C 2 -xf 1/log-malloc2-*.tar.xz && "
	         "cd 2/log-malloc2-* && find . -type f ! -name MANIFEST -exec touch {} + && echo new >new && " MAKE
	         "B=../out dist"));
	must(run("cmp 1/log-malloc2-*.tar.xz 2/out/log-malloc2-*.tar.xz"));
	ck_assert_str_eq(
		run("tar --numeric-owner -tvf 1/*.tar.xz | awk '{ print $2, $4 }' | sort | uniq -c | wc -l").out,
		"1\n");
}
END_TEST

START_TEST(the_tarball_knows_its_version_and_has_all_that_is_built)
{
	if (!can_pack("the_tarball_knows_its_version_and_has_all_that_is_built"))
		return;
	must(run(MAKE "-C $S B=$PWD/out dist && tar -xf out/log-malloc2-*.tar.xz && mv log-malloc2-*/ tree"));
	/* Nothing is missing to make. */
	must(run(MAKE "-C tree -n all suites install >/dev/null"));
	must(run(MAKE "-C tree B=$PWD/b PKG_CONFIG=true $PWD/b/pkgconfig/log-malloc2.pc"));
	ck_assert_str_eq(
		run("cd out; ls log-malloc2-*.tar.xz; cd ..; sed -n 's/^Version: //p' b/pkgconfig/log-malloc2.pc").out,
		run("v=$($B/log-malloc --version | sed -n '1s/.* //p'); echo log-malloc2-$v.tar.xz; echo $v").out);
}
END_TEST

/* The version stands in the Makefile. Debian's changelog and the names of its packages have to follow. */
START_TEST(debians_packages_have_the_version_and_the_librarys_number)
{
	ck_assert_str_eq(run("sed -n '1s/^log-malloc2 (\\([^-]*\\)-.*/\\1/p' $S/debian/changelog").out,
	                 run("$B/log-malloc --version | sed -n '1s/.* //p'").out);
	must(run("soname=$(readelf -dW $B/liblog-malloc2.so | sed -n 's/.*SONAME.*\\[\\(.*\\)\\]/\\1/p'); "
	         "n=${soname##*.}\n"
	         "grep -qx \"Package: liblog-malloc2-$n\" $S/debian/control && grep -q \"^$soname liblog-malloc2-$n \" "
	         "$S/debian/liblog-malloc2-$n.symbols"));
}
END_TEST

/* The symbols file is written by hand, and each build of the packages would fail on another one. */
START_TEST(debians_list_of_symbols_is_what_the_library_exports)
{
	ck_assert_str_eq(
		run("sed -n 's/^ \\(.*\\)@Base .*/\\1/p' $S/debian/liblog-malloc2-1.symbols | LC_ALL=C sort").out,
		run("nm -D --defined-only $B/liblog-malloc2.so | sed 's/.* //; s/@.*//' | LC_ALL=C sort").out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("packaging");

	ONCE(the_tarball_has_the_same_bytes_each_time);
	ONCE(the_tarball_knows_its_version_and_has_all_that_is_built);
	ONCE(debians_packages_have_the_version_and_the_librarys_number);
	ONCE(debians_list_of_symbols_is_what_the_library_exports);
	return run_suite(suite);
}
