/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See store.h. By libcurl. */
#include "store.h"
#include "escape.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* An answer that is longer is not read to its end. */
	ANSWER_MAX = 64 * 1024,
	/* So much of it is shown. */
	ANSWER_SHOWN = 200,
};

struct store {
	const struct store_settings *settings;
	CURL *curl;
	CURLU *url;
	struct curl_slist *headers;
	/* Of the present answer: */
	size_t headers_len, received; /* bytes of its headers, and of its body */
	size_t shown;
	curl_off_t pause; /* Retry-After, in seconds */
	char answer[ANSWER_SHOWN + 1];
};

/* ---- opening -------------------------------------------------------------------- */

static void say(char trouble[STORE_TROUBLE], const char *text)
{
	snprintf(trouble, STORE_TROUBLE, "%s", text);
}

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK && *text;

	curl_free(text);
	return has;
}

/* Other protocols of libcurl, such as file, are no stores. */
static bool is_http(CURLU *url)
{
	char *scheme = NULL;
	bool is = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	          (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	curl_free(scheme);
	return is;
}

/* Of a Pyroscope server without a path, the endpoint is known. */
static void complete_path(const struct store *store)
{
	char *path = NULL;

	if (store->settings->kind == STORE_PYROSCOPE &&
	    curl_url_get(store->url, CURLUPART_PATH, &path, 0) == CURLUE_OK && strcmp(path, "/") == 0)
		curl_url_set(store->url, CURLUPART_PATH, "/ingest", 0);
	curl_free(path);
}

static bool set_url(struct store *store, char trouble[STORE_TROUBLE])
{
	store->url = curl_url();
	if (!store->url || curl_url_set(store->url, CURLUPART_URL, store->settings->url, 0) != CURLUE_OK ||
	    !is_http(store->url)) {
		say(trouble, "the URL is not one of http or https");
		return false;
	}
	/* Who lists processes sees their arguments. */
	if (has_part(store->url, CURLUPART_USER) || has_part(store->url, CURLUPART_PASSWORD)) {
		say(trouble, "a URL with a user or a password can be read by others: put them into ~/.netrc");
		return false;
	}
	complete_path(store);
	return true;
}

static bool add_header(struct store *store, const char *text)
{
	struct curl_slist *list = curl_slist_append(store->headers, text);

	if (list)
		store->headers = list;
	return list != NULL;
}

static bool set_headers(struct store *store)
{
	const struct store_settings *settings = store->settings;
	char *authorization;
	bool added = true;

	for (const char *const *header = settings->headers; added && *header; header++)
		added = add_header(store, *header);
	/* Not every server knows "Expect: 100-continue", and curl would wait for it. */
	added = added && add_header(store, "Expect:");
	if (settings->kind == STORE_BARE)
		added = added && add_header(store, "Content-Type: application/octet-stream");
	if (!added || !settings->token)
		return added;
	if (asprintf(&authorization, "Authorization: Bearer %s", settings->token) < 0)
		return false;
	added = add_header(store, authorization);
	free(authorization);
	return added;
}

/* A callback of libcurl for headers and for the body. What it returns is less than it got if it wants no more. */
static size_t take_answer(char *text, size_t size, size_t count, void *context)
{
	struct store *store = context;
	size_t len = size * count, room = ANSWER_SHOWN - store->shown, taken = len < room ? len : room;

	store->received += len;
	memcpy(store->answer + store->shown, text, taken);
	store->shown += taken;
	return store->received <= ANSWER_MAX ? len : 0;
}

static size_t take_header(char *text, size_t size, size_t count, void *context)
{
	struct store *store = context;

	(void)text;
	store->headers_len += size * count;
	return store->headers_len <= ANSWER_MAX ? size * count : 0;
}

static void set_up(struct store *store)
{
	CURL *curl = store->curl;
	const long timeout = (long)store->settings->timeout;

#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(curl, CURLOPT_CURLU, store->url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, store->headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "log-malloc2/" LM_VERSION);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, store);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, store);
}

struct store *store_open(const struct store_settings *settings, char trouble[STORE_TROUBLE])
{
	struct store *store = calloc(1, sizeof *store);

	say(trouble, "there is no memory");
	if (!store)
		return NULL;
	store->settings = settings;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == 0)
		store->curl = curl_easy_init();
	if (store->curl && set_url(store, trouble) && set_headers(store)) {
		set_up(store);
		return store;
	}
	store_close(store);
	return NULL;
}

/* ---- sending -------------------------------------------------------------------- */

static bool add_query(CURLU *url, const char *key, const char *value)
{
	char *text;
	bool added;

	if (asprintf(&text, "%s=%s", key, value) < 0)
		return false;
	added = curl_url_set(url, CURLUPART_QUERY, text, CURLU_APPENDQUERY | CURLU_URLENCODE) == CURLUE_OK;
	free(text);
	return added;
}

/* What Pyroscope has to know beside the profile. */
static bool describe(CURLU *url, const struct store_profile *profile)
{
	char from[24], until[24];

	snprintf(from, sizeof from, "%" PRIu64, profile->from);
	snprintf(until, sizeof until, "%" PRIu64, profile->until);
	return add_query(url, "name", profile->name) && add_query(url, "from", from) &&
	       add_query(url, "until", until) && add_query(url, "format", "pprof") &&
	       add_query(url, "spyName", "log-malloc2");
}

static bool add_file(curl_mime *form, const char *field, const char *file, const char *bytes, size_t len)
{
	curl_mimepart *part = curl_mime_addpart(form);

	return part && curl_mime_name(part, field) == CURLE_OK && curl_mime_filename(part, file) == CURLE_OK &&
	       curl_mime_data(part, bytes, len) == CURLE_OK;
}

/* Pyroscope takes allocations for sums since the program's beginning unless it is told that they are not. */
static curl_mime *make_form(struct store *store, const struct store_profile *profile)
{
	static const char types[] = "{\"alloc_objects\":{\"units\":\"objects\",\"cumulative\":false},"
				    "\"alloc_space\":{\"units\":\"bytes\",\"cumulative\":false},"
				    "\"inuse_objects\":{\"units\":\"objects\",\"aggregation\":\"average\"},"
				    "\"inuse_space\":{\"units\":\"bytes\",\"aggregation\":\"average\"}}";
	curl_mime *form = curl_mime_init(store->curl);

	if (form && add_file(form, "profile", "profile.pprof", profile->bytes, profile->len) &&
	    add_file(form, "sample_type_config", "sample_type_config.json", types, sizeof types - 1))
		return form;
	curl_mime_free(form);
	return NULL;
}

/* Appends the first line of the answer to TROUBLE, as printable text. */
static void quote_answer(struct store *store, char trouble[STORE_TROUBLE])
{
	size_t len = strlen(trouble), line = strcspn(store->answer, "\r\n");
	char *shown = line ? escape_printable(store->answer, line) : NULL;

	if (shown)
		snprintf(trouble + len, STORE_TROUBLE - len, ": %s", shown);
	free(shown);
}

/* Did the store take the profile? Only its status says so: one that goes on talking has said enough. */
static bool judge(struct store *store, CURLcode result, char trouble[STORE_TROUBLE])
{
	const long redirections = 300, failures = 400;
	long status = 0;

	curl_easy_getinfo(store->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(store->curl, CURLINFO_RETRY_AFTER, &store->pause);
	store->answer[store->shown] = '\0';
	if (status >= 200 && status < redirections && (result == CURLE_OK || store->received > ANSWER_MAX))
		return true;
	if (status >= redirections) {
		snprintf(trouble, STORE_TROUBLE, "the store answered %ld", status);
		if (status < failures)
			snprintf(trouble, STORE_TROUBLE,
			         "the store answered %ld, which names another place: give its URL", status);
		quote_answer(store, trouble);
	} else {
		say(trouble, result == CURLE_OK ? "the store gave no answer" : curl_easy_strerror(result));
	}
	return false;
}

static bool deliver(struct store *store, CURLU *url, const struct store_profile *profile, curl_mime *form,
                    char trouble[STORE_TROUBLE])
{
	CURL *curl = store->curl;
	bool taken;

	store->headers_len = store->received = store->shown = 0;
	store->pause = 0;
	curl_easy_setopt(curl, CURLOPT_CURLU, url);
	if (form) {
		curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);
	} else {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)profile->len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, profile->bytes);
	}
	taken = judge(store, curl_easy_perform(curl), trouble);
	/* The handle must not keep what is freed now. */
	curl_easy_setopt(curl, CURLOPT_CURLU, store->url);
	if (form)
		curl_easy_setopt(curl, CURLOPT_MIMEPOST, NULL);
	return taken;
}

bool store_send(struct store *store, const struct store_profile *profile, char trouble[STORE_TROUBLE])
{
	const bool is_bare = store->settings->kind == STORE_BARE;
	curl_mime *form = is_bare ? NULL : make_form(store, profile);
	CURLU *url = curl_url_dup(store->url);
	bool taken = false;

	say(trouble, "there is no memory");
	if (url && (is_bare || (form && describe(url, profile))))
		taken = deliver(store, url, profile, form, trouble);
	curl_mime_free(form);
	curl_url_cleanup(url);
	return taken;
}

uint64_t store_asked_pause(const struct store *store)
{
	const curl_off_t second = 1000, most = 24 * 60 * 60;

	return (uint64_t)((store->pause < most ? store->pause : most) * second);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	curl_easy_cleanup(store->curl);
	curl_url_cleanup(store->url);
	curl_slist_free_all(store->headers);
	free(store);
	curl_global_cleanup();
}
