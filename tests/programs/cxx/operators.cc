// SPDX-License-Identifier: GPL-3.0-or-later
// C++'s operators: each form of them, right uses, releases by the wrong way, and calls that fail.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#define KEPT extern "C" __attribute__((noinline)) void

// The compiler may not pair what goes through here, nor leave it out.
static void *volatile seen;

template <class T> __attribute__((noinline)) static T *hide(T *p)
{
	seen = (void *)p;
	return (T *)seen;
}

// ---- each form once ---------------------------------------------------------------

static const std::align_val_t line{64};

KEPT forms()
{
	void *p[12];

	p[0] = ::operator new(6400);
	p[1] = ::operator new[](6464);
	p[2] = ::operator new(6528, std::nothrow);
	p[3] = ::operator new[](6592, std::nothrow);
	p[4] = ::operator new(6656, line);
	p[5] = ::operator new[](6720, line);
	p[6] = ::operator new(6784, line, std::nothrow);
	p[7] = ::operator new[](6848, line, std::nothrow);
	p[8] = ::operator new(6912);
	p[9] = ::operator new[](6976);
	p[10] = ::operator new(7040, line);
	p[11] = ::operator new[](7104, line);
	::operator delete(hide(p[0]));
	::operator delete[](hide(p[1]));
	::operator delete(hide(p[2]), std::nothrow);
	::operator delete[](hide(p[3]), std::nothrow);
	::operator delete(hide(p[4]), line);
	::operator delete[](hide(p[5]), line);
	::operator delete(hide(p[6]), line, std::nothrow);
	::operator delete[](hide(p[7]), line, std::nothrow);
	::operator delete(hide(p[8]), 6912);
	::operator delete[](hide(p[9]), 6976);
	::operator delete(hide(p[10]), 7040, line);
	::operator delete[](hide(p[11]), 7104, line);
	// One that stays, so that there is a leak.
	seen = ::operator new(7168);
	seen = nullptr;
}

// ---- right ------------------------------------------------------------------------

struct alignas(128) Aligned {
	char bytes[128];
};

struct Counted {
	virtual ~Counted()
	{
		alive--;
	}
	static int alive;
	int number = alive++;
};
int Counted::alive;

struct Derived : Counted {
	std::string name = std::string(300, 'd');
};

// A class whose memory is malloc's.
struct Own {
	static void *operator new(size_t size)
	{
		return malloc(size);
	}
	static void operator delete(void *p)
	{
		free(p);
	}
	static void *operator new[](size_t size)
	{
		return malloc(size);
	}
	static void operator delete[](void *p)
	{
		free(p);
	}
	~Own()
	{
		seen = this;
	}
	int numbers[20];
};

static int thrown()
{
	int caught = 0;

	for (int i = 0; i < 3; i++) {
		try {
			std::vector<std::string> unwound(5, std::string(200, 'u'));
			if (unwound.size() == 5)
				throw std::runtime_error(unwound[2] + "x");
		} catch (const std::exception &e) {
			caught += (int)strlen(e.what());
		}
	}
	return caught;
}

static void in_threads()
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 4; i++)
		threads.emplace_back([] {
			for (int j = 0; j < 50; j++) {
				std::unique_ptr<Derived[]> many(new Derived[3]);
				delete hide(new Aligned);
			}
		});
	for (auto &thread : threads)
		thread.join();
}

KEPT right()
{
	std::map<int, std::string> map;
	std::ostringstream stream;
	std::string text(100, 'x');
	char room[sizeof(Derived)];
	char *copy = strdup("libc's own");

	for (int i = 0; i < 50; i++) {
		map[i] = text + std::to_string(i);
		stream << map[i];
	}
	// What one side of a library's border allocates is released on the other.
	std::istringstream words(stream.str() + std::string(5000, 'w'));
	std::string word(40, 'a');
	while (words >> word)
		text.swap(word);
	text += stream.str();
	std::getline(words, word);
	auto shared = std::make_shared<Derived>();
	std::shared_ptr<Counted> counted(new Derived);
	std::unique_ptr<Counted[]> cookies(new Counted[7]);
	std::unique_ptr<Aligned[]> aligned(new Aligned[3]);
	std::vector<Aligned> lines(10);
	delete hide(new Aligned);
	delete hide(new Own);
	delete[] hide(new Own[5]);
	delete[] hide(new std::string[9]);
	delete hide(new (std::nothrow) Derived);
	(new (room) Derived)->~Derived();
	::operator delete(hide(::operator new(0)));
	delete[] hide(new char[40000]);
	free(copy);
	free(realloc(hide(malloc(10)), 5000));
	in_threads();
	printf("%zu %d\n", text.size(), thrown());
}

// ---- wrong ------------------------------------------------------------------------

KEPT new_free()
{
	free(hide(new int));
}
KEPT new_array_free()
{
	free(hide(new int[10]));
}
KEPT malloc_delete()
{
	::operator delete(hide(malloc(10)));
}
KEPT calloc_delete_array()
{
	::operator delete[](hide(calloc(3, 5)));
}
KEPT strdup_delete()
{
	delete[] hide(strdup("of libc"));
}
KEPT new_delete_array()
{
	delete[] hide(new int);
}
KEPT new_array_delete()
{
	delete hide(new int[10]);
}
KEPT new_realloc()
{
	free(realloc(hide(new int[2000]), 50000));
}
KEPT large_new_free()
{
	free(hide(new char[100000]));
}
KEPT aligned_new_delete()
{
	::operator delete((void *)hide(new Aligned));
}
KEPT new_aligned_delete()
{
	::operator delete(hide(::operator new(256)), std::align_val_t(64));
}

KEPT wrong()
{
	volatile int times = 3;

	for (int i = 0; i < times; i++)
		new_free();
	new_array_free();
	malloc_delete();
	calloc_delete_array();
	strdup_delete();
	new_delete_array();
	new_array_delete();
	new_realloc();
	large_new_free();
	aligned_new_delete();
	new_aligned_delete();
}

// ---- failing ----------------------------------------------------------------------

enum { LARGE = 200 << 20 };
static int handled;

static void limit_memory(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur = bytes ? bytes : limit.rlim_max;
	setrlimit(RLIMIT_AS, &limit);
}

// Allocates and releases, as handlers do; then there is memory again.
static void handle()
{
	std::string text(500, 'h');

	delete hide(new Derived);
	handled += (int)text.size();
	limit_memory(0);
}

static size_t mapped()
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%ld", &pages) != 1)
		abort();
	fclose(file);
	return (size_t)pages * 4096;
}

KEPT failing()
{
	volatile size_t most = PTRDIFF_MAX;
	int bad = 0;
	void *p;

	p = ::operator new(most, std::nothrow);
	for (int i = 0; i < 3; i++) {
		try {
			hide((char *)::operator new[](most));
		} catch (const std::bad_alloc &) {
			bad++;
		}
		// The next calls are as they are without that.
		free(hide(malloc(4000 + i)));
		delete hide(new Derived);
	}
	std::set_new_handler(handle);
	limit_memory(mapped() + LARGE / 2);
	delete[] hide(new char[LARGE]);
	printf("%p %d %d\n", p, bad, handled);
}

// ---- a plugin ---------------------------------------------------------------------

KEPT plugin(const char *path)
{
	for (int i = 0; i < 3; i++) {
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		auto make = library ? (std::string * (*)()) dlsym(library, "make") : nullptr;
		auto take = library ? (int (*)(std::string *))dlsym(library, "take") : nullptr;

		if (!make || !take)
			exit(1);
		delete make();
		printf("%d\n", take(new std::string(700, 'p')));
		dlclose(library);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "forms") == 0)
		forms();
	else if (strcmp(argv[1], "right") == 0)
		right();
	else if (strcmp(argv[1], "wrong") == 0)
		wrong();
	else if (strcmp(argv[1], "failing") == 0)
		failing();
	else
		plugin(argv[1]);
	return 0;
}
