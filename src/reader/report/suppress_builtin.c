/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See suppress_builtin.h. Patterns match whole names, or names that are reserved for
 * the implementation. Both exported and inner functions are listed: a library without
 * a symbol table shows only the former, a static program or debug information the
 * latter.
 */
#include "suppress_builtin.h"

const char *const suppress_loaders[SUPPRESS_LOADERS] = {"/ld-linux", "/ld64.so"};

const char suppress_inside[] = "(inside the tracker)";

const struct suppress_rule suppress_builtin[] = {
	/* The start of a static program, before the first constructor. */
	{"^_dl_non_dynamic_init$", false, NULL, 0},
	{"^__libc_setup_tls$", false, NULL, 0},
	/*
         * The loader's data about objects and about the last error. One frame of the loader
         * alone can be its trampoline, through which the program calls.
         */
	{"/ld-linux", true, "/ld-linux", 1},
	{"/ld64.so", true, "/ld64.so", 1},
	/* Where libc is built without unwind tables: ARM, MIPS, RISC-V. Elsewhere its trampoline may be meant. */
	{"/ld-linux-arm", true, NULL, SUPPRESS_ALONE},
	{"/ld-linux.so.3", true, NULL, SUPPRESS_ALONE},
	{"/ld.so.1", true, NULL, SUPPRESS_ALONE},
	{"/ld-linux-riscv", true, NULL, SUPPRESS_ALONE},
	{"^_dl_", true, "", 1},
	{"^_dl_init_paths$", false, NULL, 0},
	{"^_dl_get_origin$", true, NULL, 0},
	{"^_dl_find_object_init$", true, NULL, 0},
	{"^_dl_map_object$", false, NULL, 0},
	{"^_dl_load_cache_lookup$", false, NULL, 0},
	{"^_dl_lookup_symbol_x$", false, NULL, 0},
	{"^_dlerror_run$", true, NULL, 0},
	{"/libc.so", true, "^dlsym$", 1},
	{"/libc.so", true, "^dlopen$", 1},
	{"/libc.so", true, "^dlclose$", 1},
	{"/libc.so", true, "^dladdr1$", 1},
	/* Thread-local storage. It is kept with the stacks of ended threads for new ones. */
	{"^_dl_allocate_tls$", false, NULL, 0},
	{"^__tls_get_addr$", false, NULL, 0},
	{"^pthread_setspecific$", true, NULL, 0},
	/* The tables of exit handlers. */
	{"^__new_exitfn$", true, NULL, 0},
	{"^__cxa_atexit$", false, NULL, 0},
	{"^__cxa_thread_atexit_impl$", false, NULL, 0},
	{"^on_exit$", false, NULL, 0},
	/* Buffers of standard input and output. Those of other files leak together with their FILE. */
	{"^_IO_file_doallocate$", false, NULL, 0},
	{"^_IO_wfile_doallocate$", false, NULL, 0},
	{"^_IO_wdoallocbuf$", false, NULL, 0},
	/* The environment. */
	{"^setenv$", false, NULL, 0},
	{"^putenv$", false, NULL, 0},
	{"^__add_to_environ$", false, NULL, 0},
	{"^__putenv$", false, NULL, 0},
	{"^__env_rm_add$", false, NULL, 0},
	/* The locale, its messages, its conversions. */
	{"^setlocale$", false, NULL, 0},
	{"^_nl_", false, NULL, 0},
	{"^__dcigettext$", false, NULL, 0},
	{"^textdomain$", false, NULL, 0},
	{"^bindtextdomain$", false, NULL, 0},
	{"^bind_textdomain_codeset$", false, NULL, 0},
	{"^strerror$", false, NULL, 0},
	{"^strerror_l$", false, NULL, 0},
	{"^strsignal$", false, NULL, 0},
	{"^__gconv_find_transform$", false, NULL, 0},
	{"^__gconv_load_cache$", false, NULL, 0},
	{"^__wcsmbs_load_conv$", false, NULL, 0},
	{"^btowc$", false, NULL, 0},
	{"^wctob$", false, NULL, 0},
	{"^mblen$", false, NULL, 0},
	{"^mbtowc$", false, NULL, 0},
	{"^mbrtowc$", false, NULL, 0},
	{"^mbstowcs$", false, NULL, 0},
	{"^mbsrtowcs$", false, NULL, 0},
	{"^wctomb$", false, NULL, 0},
	{"^wcrtomb$", false, NULL, 0},
	{"^wcstombs$", false, NULL, 0},
	{"^wcsrtombs$", false, NULL, 0},
	{"^fwide$", false, NULL, 0},
	/* The time zone. */
	{"^tzset$", false, NULL, 0},
	{"^tzset_internal$", false, NULL, 0},
	{"^__tz_convert$", false, NULL, 0},
	{"^__tzfile_read$", false, NULL, 0},
	{"^localtime$", false, NULL, 0},
	{"^localtime_r$", false, NULL, 0},
	{"^mktime$", false, NULL, 0},
	/* Databases of users, groups, hosts and services, and buffers of functions that return static results. */
	{"^__nss_", false, NULL, 0},
	{"^__resolv_context_get$", false, NULL, 0},
	{"^__res_vinit$", false, NULL, 0},
	{"^getpwuid$", false, NULL, 0},
	{"^getpwnam$", false, NULL, 0},
	{"^getpwent$", false, NULL, 0},
	{"^getgrgid$", false, NULL, 0},
	{"^getgrnam$", false, NULL, 0},
	{"^getgrent$", false, NULL, 0},
	{"^getspnam$", false, NULL, 0},
	{"^getservbyname$", false, NULL, 0},
	{"^getservbyport$", false, NULL, 0},
	{"^getprotobyname$", false, NULL, 0},
	{"^gethostbyname$", false, NULL, 0},
	{"^gethostbyname2$", false, NULL, 0},
	{"^gethostbyaddr$", false, NULL, 0},
	/* The C++ runtime: the emergency memory for exceptions, and the standard streams. */
	{"^_GLOBAL__sub_I_eh_alloc.cc$", false, NULL, 0},
	{"/libstdc++.so", true, "/ld-", 2},
	{"/libstdc++.so", true, "/ld64.so", 2},
	{"/libstdc++.so", true, "/ld-linux-riscv", 1},
	{"/libstdc++.so", true, "/ld.so.1", 1},
	{"/libstdc++.so", true, NULL, SUPPRESS_ALONE},
	{"^std::ios_base::Init::Init()$", false, NULL, 0},
	{"^std::ios_base::sync_with_stdio(bool)$", false, NULL, 0},
	/* Parts of a locale. The global locale stays. If another locale leaks, that is a leak of its own. */
	{"^std::locale::locale(char const*)$", false, NULL, 0},
	/* Rust: the main thread, the bounds of stacks, the buffer of standard input, what was read to print a
           backtrace. */
	{"^std::rt::init$", false, NULL, 0},
	{"^std::rt::lang_start_internal$", true, NULL, 0},
	{"^std::thread::current::init_current$", false, NULL, 0},
	{"^std::sys::*::stack_overflow::", false, NULL, 0},
	{"^std::io::stdio::stdin$", false, NULL, 0},
	{"std::backtrace_rs::symbolize::gimli::", false, NULL, 0},
	/* Fortran: how printf() writes numbers of 128 bits. Of a static program, libquadmath is a part. */
	{"^register_printf_", true, "/libquadmath.so", 1},
	{"^register_printf_flt128$", false, NULL, 0},
	/* Go: a new thread releases what it is given. One that has just begun may have it yet when the program ends. */
	{"^x_cgo_thread_start$", true, NULL, 0},
	/* Ada: the environment task. */
	{"^system.tasking.initialize$", false, NULL, 0},
	/* D: the collector itself and the ranges that it looks through; names of files for a profile. */
	{"^core.gc.registry.createGCInstance(", false, NULL, 0},
	{"^core.internal.gc.impl.proto.gc.ProtoGC.add", false, NULL, 0},
	{"^rt.trace._sharedStaticCtor_", false, NULL, 0},
};
const size_t suppress_builtin_count = sizeof suppress_builtin / sizeof *suppress_builtin;
