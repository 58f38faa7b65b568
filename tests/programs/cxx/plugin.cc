// SPDX-License-Identifier: GPL-3.0-or-later
// A library that a program loads. It takes over what the program allocates, and the other way round.
#include <string>

extern "C" std::string *make()
{
	return new std::string(900, 'm');
}

extern "C" int take(std::string *text)
{
	int size = (int)text->size();

	delete text;
	return size;
}
