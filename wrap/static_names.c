/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The names of functions that a static program has from its C and C++ runtime. A stripped
 * program has no symbols, but the linker knows where these functions are. With their
 * names, the built-in suppressions know what the runtime keeps (src/reader/report/suppress_builtin.c).
 *
 * The references are weak, so that no function is linked for them. This is an object of
 * its own in the archive, and only `pkg-config --static` asks for it: in a dynamic
 * program, the references would need private versions of libc's symbols.
 */
#include "static_names.h"

extern const struct lm_static_name log_malloc_static_names[];

/* Not here: functions of which the linker says that they have to be avoided in static programs. */
/* clang-format off */
#define NAMES(NAME) \
	NAME(_start) NAME(main) NAME(__libc_start_main) NAME(__libc_start_call_main) \
	/* the start of the program, and thread-local storage */ \
	NAME(_dl_non_dynamic_init) NAME(__libc_setup_tls) NAME(_dl_allocate_tls) NAME(_dl_allocate_tls_init) \
	NAME(_dl_allocate_tls_storage) NAME(_dl_init_paths) NAME(_dl_important_hwcaps) NAME(_dl_init_static_tls) \
	NAME(_dl_map_object) NAME(_dl_map_object_deps) NAME(_dl_load_cache_lookup) NAME(_dl_lookup_symbol_x) \
	NAME(_dl_new_object) NAME(_dl_signal_error) NAME(_dl_exception_create) NAME(_dl_open) NAME(_dl_close) \
	NAME(_dlerror_run) NAME(dlsym) NAME(dladdr1) \
	NAME(pthread_create) NAME(pthread_setspecific) NAME(__pthread_setspecific) \
	/* tables of exit handlers, buffers of streams, the environment */ \
	NAME(__new_exitfn) NAME(__cxa_atexit) NAME(__cxa_thread_atexit_impl) NAME(on_exit) \
	NAME(_IO_file_doallocate) NAME(_IO_wfile_doallocate) NAME(_IO_wdoallocbuf) \
	NAME(setenv) NAME(putenv) NAME(__add_to_environ) \
	/* locales, messages, conversions, the time zone */ \
	NAME(setlocale) NAME(_nl_find_locale) NAME(_nl_load_locale) NAME(_nl_load_locale_from_archive) \
	NAME(_nl_intern_locale_data) NAME(_nl_make_l10nflist) NAME(_nl_explode_name) NAME(_nl_normalize_codeset) \
	NAME(_nl_expand_alias) NAME(_nl_find_domain) NAME(_nl_load_domain) NAME(_nl_postload_ctype) \
	NAME(__dcigettext) NAME(textdomain) NAME(bindtextdomain) NAME(bind_textdomain_codeset) \
	NAME(strerror) NAME(strerror_l) NAME(strsignal) NAME(__gconv_find_transform) NAME(__gconv_load_cache) \
	NAME(__wcsmbs_load_conv) NAME(btowc) NAME(wctob) NAME(mblen) NAME(mbtowc) NAME(mbrtowc) NAME(mbstowcs) \
	NAME(mbsrtowcs) NAME(wctomb) NAME(wcrtomb) NAME(wcstombs) NAME(wcsrtombs) NAME(fwide) \
	NAME(tzset) NAME(__tzset) NAME(__tz_convert) NAME(__tzfile_read) NAME(localtime) NAME(localtime_r) NAME(mktime) \
	/* databases */ \
	NAME(__nss_database_get) NAME(__nss_module_load) NAME(__nss_action_parse) NAME(__nss_lookup_function) \
	NAME(__resolv_context_get) NAME(__res_vinit) \
	/* C++: operators new, std::ios_base::Init, sync_with_stdio(), std::locale(char const *) */ \
	NAME(_Znwm) NAME(_Znam) NAME(_ZNSt8ios_base4InitC1Ev) NAME(_ZNSt8ios_base4InitC2Ev) \
	NAME(_ZNSt8ios_base15sync_with_stdioEb) NAME(_ZNSt6localeC1EPKc) NAME(_ZNSt6localeC2EPKc)
/* clang-format on */

/* The compiler knows some of these names as functions of certain types. So they have others here. */
#define DECLARE(name) extern const char named_##name[] __asm__(#name) __attribute__((weak, visibility("default")));
NAMES(DECLARE)

#define ENTRY(name) {named_##name, #name},
__attribute__((visibility("default")))
const struct lm_static_name log_malloc_static_names[] = {NAMES(ENTRY){NULL, NULL}};
