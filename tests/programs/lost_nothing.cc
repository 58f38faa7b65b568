/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What C++ keeps, some of it by pointers into the inside of blocks: nothing of it is lost. */
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "stay.h"

namespace
{

struct first {
	virtual ~first()
	{
	}
	virtual int one()
	{
		return 1;
	}
	long a = 1;
};

struct second {
	virtual ~second()
	{
	}
	virtual int two()
	{
		return 2;
	}
	long b = 2;
};

struct both : first, second {
	int two() override
	{
		return 3;
	}
	std::string text = std::string(100, 'b');
};

struct element {
	~element()
	{
		delete[] text;
	}
	char *text = new char[10];
};

struct kept {
	std::string small = "small", large = std::string(1000, 'l');
	std::vector<std::vector<int>> vectors{{1, 2, 3}, {4, 5}};
	std::map<int, std::string> map{{1, std::string(50, 'm')}, {2, "two"}, {3, "three"}};
	std::unordered_map<std::string, int> hash{{"one", 1}, {std::string(60, 'h'), 2}};
	std::list<std::string> list{std::string(70, 'x'), "y"};
	std::set<std::shared_ptr<both>> shared{std::make_shared<both>(), std::make_shared<both>()};
	std::unique_ptr<element[]> elements{new element[7]};
	second *base = new both;
	std::function<int()> function;
};

kept *everything;

__attribute__((noinline)) void work()
{
	std::string captured(80, 'c');

	everything = new kept;
	everything->function = [captured] { return static_cast<int>(captured.size()); };
}

} // namespace

int main()
{
	work();
	stay();
	return everything->function() == 80 ? 0 : 1;
}
