// SPDX-License-Identifier: GPL-3.0-or-later
// Threads throw exceptions through frames that own memory. Each thread leaks once by new, once in a handler of an
// exception, and once in a destructor while an exception passes.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// Volatile, lest the compiler leaves out blocks that nobody reads, or ends a function with a jump to malloc.
static thread_local char *volatile kept;

__attribute__((noinline)) static void leak_by_new(int round)
{
	kept = new char[1000];
	kept[round] = 1;
}

__attribute__((noinline)) static void leak_in_handler(int round)
{
	kept = static_cast<char *>(malloc(3000));
	kept[round] = 1;
}

__attribute__((noinline)) static void leak_while_unwinding(int round)
{
	kept = static_cast<char *>(malloc(500));
	kept[round] = 1;
}

struct Guard {
	explicit Guard(int number) : round(number), text(100, 'g')
	{
	}
	Guard(const Guard &) = delete;
	Guard &operator=(const Guard &) = delete;
	~Guard()
	{
		if (round == 0)
			leak_while_unwinding(round);
	}
	int round;
	std::string text;
};

__attribute__((noinline)) static void fail(int round)
{
	std::string message = "round " + std::to_string(round) + std::string(50, '.');

	throw std::runtime_error(message);
}

__attribute__((noinline)) static void work(int round)
{
	Guard guard(round);
	std::vector<std::string> list(10, std::string(200, 'x'));

	fail(round);
	std::puts(list[static_cast<std::size_t>(round) % 10].c_str());
}

static void run()
{
	leak_by_new(0);
	for (int round = 0; round < 100; round++) {
		try {
			work(round);
		} catch (const std::exception &error) {
			if (round == 0)
				leak_in_handler(round);
			if (error.what()[0] != 'r')
				std::abort();
		}
	}
}

int main()
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 4; i++)
		threads.emplace_back(run);
	for (auto &thread : threads)
		thread.join();
	return 0;
}
