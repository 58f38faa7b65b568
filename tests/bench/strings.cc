/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A C++ program with many small std::string and std::map operations: an index
 * of made-up words, the lines that they occur in, and what is asked of it.
 * Usage: strings LINES
 */
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace
{

struct Random {
	std::uint32_t state = 2463534242u;

	std::uint32_t next(std::uint32_t below)
	{
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		return state % below;
	}
};

/* Longer than what std::string keeps inside itself. */
std::string word(Random &random)
{
	std::string text = "the-word-that-is-number-" + std::to_string(random.next(5000));

	if (random.next(4) == 0)
		std::reverse(text.begin(), text.end());
	return text;
}

std::string line(Random &random)
{
	std::string text;

	for (std::uint32_t words = 4 + random.next(8); words; words--) {
		text += word(random);
		text += ' ';
	}
	return text;
}

std::vector<std::string> split(const std::string &text)
{
	std::vector<std::string> words;
	std::size_t from = 0, to;

	while ((to = text.find(' ', from)) != std::string::npos) {
		words.push_back(text.substr(from, to - from));
		from = to + 1;
	}
	return words;
}

struct Entry {
	std::list<std::size_t> lines;
	std::map<std::string, unsigned> neighbours;
};

class Index
{
      public:
	void add(std::size_t number, const std::string &text)
	{
		std::string before;

		for (const std::string &each : split(text)) {
			std::unique_ptr<Entry> &entry = entries[each];

			if (!entry)
				entry = std::make_unique<Entry>();
			entry->lines.push_back(number);
			if (!before.empty())
				entry->neighbours[before]++;
			before = each;
		}
	}

	/* As a cache does: what is large goes. */
	void shrink(std::size_t longest)
	{
		for (auto at = entries.begin(); at != entries.end();)
			at = at->second->lines.size() > longest ? entries.erase(at) : std::next(at);
	}

	std::size_t sum() const
	{
		std::size_t total = 0;

		for (const auto &[name, entry] : entries)
			total += name.size() + entry->lines.size() + entry->neighbours.size();
		return total;
	}

      private:
	std::map<std::string, std::unique_ptr<Entry>> entries;
};

} // namespace

int main(int argc, char **argv)
{
	std::size_t lines = argc == 2 ? std::strtoul(argv[1], nullptr, 10) : 0;
	Random random;
	Index index;

	if (lines == 0) {
		std::fputs("Usage: strings LINES\n", stderr);
		return 2;
	}
	for (std::size_t number = 0; number < lines; number++) {
		index.add(number, line(random));
		if (number % 1000 == 999)
			index.shrink(8);
	}
	std::printf("%zu\n", index.sum());
	return 0;
}
