/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See nameless.h. */
#include "nameless.h"
#include "array.h"
#include "maps.h"
#include "plural.h"
#include "shell_quote.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More modules than this are counted. */
enum { MODULES_SHOWN = 10 };

static bool is_known(const struct nameless *nameless, const struct location *location)
{
	for (size_t i = 0; i < nameless->count; i++)
		if (strcmp(nameless->modules[i].path, location->module) == 0)
			return true;
	return false;
}

static int add_module(struct nameless *nameless, const struct location *location)
{
	struct nameless_module *grown =
		array_grow(nameless->modules, &nameless->room, nameless->count + 1, sizeof *grown);
	struct nameless_module module = {.path = strdup(location->module)};

	if (location->build_id)
		module.build_id = strdup(location->build_id);
	if (grown)
		nameless->modules = grown;
	if (!grown || !module.path || (location->build_id && !module.build_id)) {
		free(module.path);
		free(module.build_id);
		return -ENOMEM;
	}
	grown[nameless->count++] = module;
	return 0;
}

int nameless_note(struct nameless *nameless, const struct location *location)
{
	const struct symbols_place *outermost = &location->places.places[location->places.count - 1];

	/* The outermost frame can be a null pointer: nobody called that function. */
	if (outermost->function || (location->has_address && !location->address))
		return 0;
	if (!location->module) {
		nameless->has_made_code |= location->has_address;
		return 0;
	}
	return location->module[0] != '/' || is_known(nameless, location) ? 0 : add_module(nameless, location);
}

static void print_modules(const struct nameless *nameless, bool is_asking, FILE *out)
{
	size_t shown = nameless->count < MODULES_SHOWN ? nameless->count : MODULES_SHOWN;

	if (!shown)
		return;
	fputs("\nNO NAMES for code of:\n", out);
	for (size_t i = 0; i < shown; i++) {
		const struct nameless_module *module = &nameless->modules[i];

		fputs("  ", out);
		table_print_name(module->path, out);
		if (module->build_id)
			fprintf(out, " (build-id %s)", module->build_id);
		fputc('\n', out);
	}
	if (shown < nameless->count)
		fprintf(out, "  and %zu more module%s\n", nameless->count - shown, plural(nameless->count - shown));
	fputs("To see them, install the debug information of their packages (on Debian, find-dbgsym-packages ", out);
	shell_quote(out, nameless->modules[0].path);
	fputs(is_asking ? " names these).\n"
	                : " names these), or give --debuginfod with DEBUGINFOD_URLS set "
	                  "(https://debuginfod.debian.net for Debian).\n",
	      out);
}

bool nameless_print(const struct nameless *nameless, bool is_asking, FILE *out)
{
	print_modules(nameless, is_asking, out);
	if (nameless->has_made_code)
		fputs("\nNO NAMES for code that was made at run time: bare addresses.\nTo see them, have the program "
		      "write /tmp/perf-PID.map: node --perf-basic-prof, java -XX:+UnlockDiagnosticVMOptions "
		      "-XX:+DumpPerfMapAtExit, python3 -X perf, DOTNET_PerfMapEnabled=1.\n",
		      out);
	return nameless->count || nameless->has_made_code;
}

void nameless_free(struct nameless *nameless)
{
	for (size_t i = 0; i < nameless->count; i++) {
		free(nameless->modules[i].path);
		free(nameless->modules[i].build_id);
	}
	free(nameless->modules);
	*nameless = (struct nameless){0};
}
