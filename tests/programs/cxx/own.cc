// SPDX-License-Identifier: GPL-3.0-or-later
// A program with operators of its own, in the file that uses them, where --wrap does not reach them.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <new>
#include <sstream>
#include <string>
#include <vector>

static unsigned long asked, released;

void *operator new(size_t size)
{
	asked++;
	return malloc(size);
}

void operator delete(void *p) noexcept
{
	released += p != nullptr;
	free(p);
}

void operator delete(void *p, size_t) noexcept
{
	released += p != nullptr;
	free(p);
}

#ifdef ALL
void *operator new[](size_t size)
{
	return operator new(size);
}

void operator delete[](void *p) noexcept
{
	operator delete(p);
}
#endif

int main()
{
	std::istringstream words("some words that are longer than what a short string has room for in itself");
	std::map<std::string, std::vector<int>> map;
	std::string word;

	while (words >> word) {
		map[word + std::string(50, 'x')].resize(100);
		std::getline(words, word, 'o');
		delete[] new std::string[3];
	}
	printf("%d\n", asked > 10 && released > 10 && map.size() > 3);
	return 0;
}
