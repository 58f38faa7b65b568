// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Two leaks that C++ makes easy: objects that hold each other by shared_ptr,
// and an array that a thrown exception leaves behind. The report shows
// demangled names, and the lines of what was inlined.
//
//	c++ -g -o leak-cpp leak-cpp.cc
//	log-malloc -o leak-cpp.trace ./leak-cpp
//	log-malloc-findleak leak-cpp.trace

#include <cstdio>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace
{

class Node
{
      public:
	explicit Node(std::string name) : name_(std::move(name))
	{
	}

	// It should be a weak_ptr for one of the two directions.
	void link(std::shared_ptr<Node> other)
	{
		other_ = std::move(other);
	}

      private:
	std::string name_;
	std::shared_ptr<Node> other_;
};

void make_cycle()
{
	auto first = std::make_shared<Node>("the first of two nodes that keep each other alive");
	auto second = std::make_shared<Node>("the second of two nodes that keep each other alive");

	first->link(second);
	second->link(first);
}

void parse(const std::string &text)
{
	int *digits = new int[text.size()];

	for (std::string::size_type i = 0; i < text.size(); i++) {
		if (text[i] < '0' || text[i] > '9')
			throw std::invalid_argument("not a number: " + text);
		digits[i] = text[i] - '0';
	}
	delete[] digits;
}

} // namespace

int main()
{
	// The stream's buffer would be a block of its own.
	std::setvbuf(stdout, nullptr, _IONBF, 0);
	make_cycle();
	for (const char *text : {"1234", "12e4", "31415926", "none"}) {
		try {
			parse(text);
			std::cout << text << " is a number\n";
		} catch (const std::invalid_argument &error) {
			std::cout << error.what() << '\n';
		}
	}
	return 0;
}
