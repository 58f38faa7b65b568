# SPDX-License-Identifier: LGPL-3.0-or-later
# `make deps` and its relatives install the Debian and Ubuntu packages that each task needs.

DEPS_BUILD := gcc g++ make pkg-config binutils libc6-dev libunwind-dev liblzma-dev libdw-dev libelf-dev libiberty-dev \
	libcurl4-openssl-dev libjansson-dev libncurses-dev libprotobuf-c-dev protobuf-c-compiler libzstd-dev zlib1g-dev check
DEPS_TESTS := zstd gzip valgrind jq openssl protobuf-compiler libxml2-utils sqlite3 python3 git perl xz-utils gdb clang lld \
	musl-tools strace libjemalloc2 libtcmalloc-minimal4 libmimalloc2.0 bc dietlibc-dev zsh fish tmux
DEPS_LANGUAGES := gnat gfortran fpc gdc ldc golang-go rustc cmake meson ninja-build \
	autoconf automake libtool
# The compilers' packages have the machine's name for GNU, the libc's have Debian's.
CROSS_GNU  := aarch64-linux-gnu arm-linux-gnueabihf mips-linux-gnu mipsel-linux-gnu powerpc64le-linux-gnu \
	riscv64-linux-gnu s390x-linux-gnu i686-linux-gnu
CROSS_DEB  := arm64 armhf mips mipsel ppc64el riscv64 s390x i386
# MATRIX=quick: one machine of 32 bits, one of 64, one that is big-endian, as tests/matrix/matrix has them.
QUICK_GNU  := arm-linux-gnueabihf riscv64-linux-gnu s390x-linux-gnu
QUICK_DEB  := armhf riscv64 s390x
DEPS_MATRIX := clang lld mold musl-tools python3 qemu-user $(if $(filter quick,$(MATRIX)), \
	$(QUICK_GNU:%=g++-%) $(QUICK_DEB:%=libc6-dev-%-cross), \
	$(CROSS_GNU:%=g++-%) $(CROSS_DEB:%=libc6-dev-%-cross) qemu-system-arm cpio)
DEPS_EMBEDDED := gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib picolibc-arm-none-eabi \
	gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-arm qemu-system-misc
DEPS_PLOT  := gnuplot-nox
DEPS_FUZZ  := clang libclang-rt-dev
DEPS_LINT  := clang clang-tidy clang-format cppcheck shellcheck mandoc python3
DEPS_DEB   := dpkg-dev debhelper lintian fakeroot
DEPS_BENCH := heaptrack zstd valgrind libc-devtools sqlite3 python3 jq perl g++
DEPS_SMOKE := bc bison brotli bzip2 clang clang-format coreutils curl dash default-jre-headless dc diffutils dpkg ed \
	ffmpeg file findutils flex g++ gawk gcc gdb ghostscript git gnuplot-nox gpg grep graphviz groff-base guile-3.0 gzip \
	imagemagick jq libimage-exiftool-perl libxml2-utils lld lua5.4 lz4 m4 make mawk memcached nginx-light nodejs openssl \
	p7zip-full patch pbzip2 perl php-cli pigz python3 redis-server redis-tools rsync ruby sed sqlite3 strace stress-ng \
	tar tcl units unzip vim xmlstarlet xz-utils zip zstd

# Installs the packages of the list $(1) that are missing. Packages that are already installed are not upgraded, and
# a machine that has them all needs neither root nor a network.
apt_install = missing=; for p in $(1); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
	done; \
	[ -z "$$missing" ] || { \
		root=; [ "$$(id -u)" = 0 ] || root=sudo; \
		echo "installing$$missing"; \
		$$root apt-get update -q && \
		$$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; }

deps:
	@$(call apt_install,$(DEPS_BUILD) $(DEPS_TESTS))

deps-matrix:
	@$(call apt_install,$(DEPS_BUILD) $(DEPS_MATRIX))
	@$(if $(filter quick,$(MATRIX)),,tests/matrix/packages.sh $(B)/for/aarch64-debian)

deps-languages:
	@$(call apt_install,$(DEPS_BUILD) $(DEPS_LANGUAGES))

deps-embedded:
	@$(call apt_install,$(DEPS_BUILD) $(DEPS_TESTS) $(DEPS_EMBEDDED))

deps-plot:
	@$(call apt_install,$(DEPS_PLOT))

deps-fuzz:
	@$(call apt_install,$(DEPS_BUILD) $(DEPS_FUZZ))

deps-lint:
	@$(call apt_install,$(DEPS_BUILD) $(DEPS_LINT))

deps-deb:
	@$(call apt_install,$(DEPS_BUILD) $(DEPS_DEB))

deps-bench:
	@$(call apt_install,$(DEPS_BENCH))

deps-smoke:
	@$(call apt_install,$(DEPS_SMOKE))

.PHONY: deps deps-matrix deps-languages deps-embedded deps-plot deps-fuzz deps-lint deps-deb deps-bench deps-smoke
