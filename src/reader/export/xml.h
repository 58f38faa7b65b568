/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names in XML. They may have any bytes; XML is UTF-8 without control characters. */
#ifndef LM_READER_XML_H
#define LM_READER_XML_H

#include <stddef.h>
#include <stdio.h>

/*
 * NAME as UTF-8 that can be shown: control characters and bytes that are not UTF-8 as \ooo. Allocated with malloc();
 * NULL if there is no memory.
 */
char *xml_valid(const char *name);

/* Prints the LEN bytes of TEXT, which is of xml_valid(), with entities for what has a meaning in XML. */
void xml_print(const char *text, size_t len, FILE *out);

/* Prints a name. 0 or -ENOMEM. */
int xml_print_name(const char *name, FILE *out);

#endif
