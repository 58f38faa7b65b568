/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See suppress_builtin.h. Patterns match whole names, or names that are reserved for
 * the implementation. Both exported and inner functions are listed: a library without
 * a symbol table shows only the former, a static program or debug information the
 * latter.
 */
#include "suppress_builtin.h"

const struct suppress_rule suppress_builtin[] = {
	/* The start of a static program, before the first constructor. */
	{"^_dl_non_dynamic_init$", false, NULL},
	{"^__libc_setup_tls$", false, NULL},
	/* The loader's data about objects and about the last error. */
	{"/ld-linux", true, NULL},
	{"/ld64.so", true, NULL},
	{"^_dl_", true, NULL},
	{"^_dl_map_object$", false, NULL},
	{"^_dl_load_cache_lookup$", false, NULL},
	{"^_dl_lookup_symbol_x$", false, NULL},
	{"^_dlerror_run$", true, NULL},
	{"/libc.so", true, "^dlsym$"},
	{"/libc.so", true, "^dlopen$"},
	{"/libc.so", true, "^dlclose$"},
	{"/libc.so", true, "^dladdr1$"},
	/* Thread-local storage. It is kept with the stacks of ended threads for new ones. */
	{"^_dl_allocate_tls$", false, NULL},
	{"^__tls_get_addr$", false, NULL},
	{"^pthread_setspecific$", true, NULL},
	/* The tables of exit handlers. */
	{"^__new_exitfn$", true, NULL},
	{"^__cxa_atexit$", false, NULL},
	{"^__cxa_thread_atexit_impl$", false, NULL},
	{"^on_exit$", false, NULL},
	/* Buffers of standard input and output. Those of other files leak together with their FILE. */
	{"^_IO_file_doallocate$", false, NULL},
	{"^_IO_wfile_doallocate$", false, NULL},
	{"^_IO_wdoallocbuf$", false, NULL},
	/* The environment. */
	{"^setenv$", false, NULL},
	{"^putenv$", false, NULL},
	{"^__add_to_environ$", false, NULL},
	{"^__putenv$", false, NULL},
	{"^__env_rm_add$", false, NULL},
	/* The locale, its messages, its conversions. */
	{"^setlocale$", false, NULL},
	{"^_nl_", false, NULL},
	{"^__dcigettext$", false, NULL},
	{"^textdomain$", false, NULL},
	{"^bindtextdomain$", false, NULL},
	{"^bind_textdomain_codeset$", false, NULL},
	{"^strerror$", false, NULL},
	{"^strerror_l$", false, NULL},
	{"^strsignal$", false, NULL},
	{"^__gconv_find_transform$", false, NULL},
	{"^__gconv_load_cache$", false, NULL},
	{"^__wcsmbs_load_conv$", false, NULL},
	{"^btowc$", false, NULL},
	{"^wctob$", false, NULL},
	{"^mblen$", false, NULL},
	{"^mbtowc$", false, NULL},
	{"^mbrtowc$", false, NULL},
	{"^mbstowcs$", false, NULL},
	{"^mbsrtowcs$", false, NULL},
	{"^wctomb$", false, NULL},
	{"^wcrtomb$", false, NULL},
	{"^wcstombs$", false, NULL},
	{"^wcsrtombs$", false, NULL},
	{"^fwide$", false, NULL},
	/* The time zone. */
	{"^tzset$", false, NULL},
	{"^tzset_internal$", false, NULL},
	{"^localtime$", false, NULL},
	{"^localtime_r$", false, NULL},
	{"^mktime$", false, NULL},
	/* Databases of users, groups, hosts and services, and buffers of functions that return static results. */
	{"^__nss_", false, NULL},
	{"^__resolv_context_get$", false, NULL},
	{"^__res_vinit$", false, NULL},
	{"^getpwuid$", false, NULL},
	{"^getpwnam$", false, NULL},
	{"^getpwent$", false, NULL},
	{"^getgrgid$", false, NULL},
	{"^getgrnam$", false, NULL},
	{"^getgrent$", false, NULL},
	{"^getspnam$", false, NULL},
	{"^getservbyname$", false, NULL},
	{"^getservbyport$", false, NULL},
	{"^getprotobyname$", false, NULL},
	{"^gethostbyname$", false, NULL},
	{"^gethostbyname2$", false, NULL},
	{"^gethostbyaddr$", false, NULL},
	/* The C++ runtime: the emergency memory for exceptions, and the standard streams. */
	{"^_GLOBAL__sub_I_eh_alloc.cc$", false, NULL},
	{"/libstdc++.so", true, "/ld-"},
	{"^std::ios_base::Init::Init()$", false, NULL},
	{"^std::ios_base::sync_with_stdio(bool)$", false, NULL},
	/* Parts of a locale. The global locale stays. If another locale leaks, that is a leak of its own. */
	{"^std::locale::locale(char const*)$", false, NULL},
};
const size_t suppress_builtin_count = sizeof suppress_builtin / sizeof *suppress_builtin;
