# SPDX-License-Identifier: GPL-3.0-or-later
"""A cell of `make matrix`: what needs ptrace, on a 64-bit ARM machine that qemu-system-aarch64 boots.

The emulator of single programs, qemu-user, has no ptrace. So Debian's kernel is booted with a file system in memory. That
has the project's commands and test programs, and Debian's libraries. Its init runs outside.sh, which looks into traced
programs from outside and prints what it found. The cell is right if the same script prints the same lines here.
packages.sh has fetched what is Debian's.
"""

import difflib
import glob
import os
import re
import shutil

from steps import HERE, Unable, Wrong, first_lines, make, run

TOOLCHAIN = "aarch64-booted"
TRIPLET = "aarch64-linux-gnu"
NEEDED = (f"{TRIPLET}-gcc", f"{TRIPLET}-g++", "qemu-system-aarch64", "cpio")
# An emulated machine takes two minutes on two processors that have nothing else to do.
TIMEOUT = 1800
# All that the processor can have: signed return addresses, branch targets, vectors. What is built uses it.
PROTECTION = "-mbranch-protection=standard"
QEMU = ("qemu-system-aarch64", "-machine", "virt", "-cpu", "max,pauth-impdef=on", "-smp", "2", "-m", "1G",
        "-nic", "none", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
        "-append", "console=ttyAMA0 quiet loglevel=1 panic=-1")
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t devtmpfs none /dev
cd /scratch
echo "---- begin"
sh /outside.sh /build
echo "---- end $?"
poweroff -f
"""


def copy_tree(build, tree):
	"""Copies what outside.sh needs of BUILD."""
	for name in ("log-malloc", "log-malloc-findleak", "liblog-malloc2.so", "tests/later.so"):
		shutil.copy(os.path.join(build, name), os.path.join(tree, name))
	for program in glob.glob(os.path.join(build, "tests", "programs", "*")):
		if not program.endswith(".d"):
			shutil.copy(program, os.path.join(tree, "tests", "programs"))


def pack(debian, build, directory):
	"""Returns the path of the file system in memory."""
	root = os.path.join(directory, "root")
	for name in ("bin", "proc", "dev", "scratch", "lib", "build/tests/programs"):
		os.makedirs(os.path.join(root, name))
	shutil.copy(os.path.join(debian, "root", "bin", "busybox"), os.path.join(root, "bin"))
	for libraries in (f"lib/{TRIPLET}", f"usr/lib/{TRIPLET}"):
		os.makedirs(os.path.join(root, libraries))
		for library in glob.glob(os.path.join(debian, "root", libraries, "*.so*")):
			shutil.copy(library, os.path.join(root, libraries), follow_symlinks=False)
	shutil.copy(os.path.join(debian, "root", "lib", "ld-linux-aarch64.so.1"), os.path.join(root, "lib"),
	            follow_symlinks=False)
	copy_tree(build, os.path.join(root, "build"))
	shutil.copy(os.path.join(HERE, "outside.sh"), root)
	with open(os.path.join(root, "init"), "w", encoding="utf-8") as init:
		init.write(INIT)
	os.chmod(os.path.join(root, "init"), 0o755)
	packed = run("cd root && find . | cpio -o -H newc >../initrd", cwd=directory)
	if packed.returncode != 0:
		raise Wrong(f"cpio: {first_lines(packed.stderr)}")
	return os.path.join(directory, "initrd")


def lines_here(build, directory):
	scratch = os.path.join(directory, "here")
	os.mkdir(scratch)
	result = run(["sh", os.path.join(HERE, "outside.sh"), build], cwd=scratch)
	if result.returncode == 0:
		return result.stdout.splitlines()
	lines = result.stdout.splitlines()
	if re.search(r"does not permit|permits nobody|is not possible here|\(seccomp\)", result.stdout):
		raise Unable(f"processes may not be traced here, so there is nothing to compare with: {lines[-1]}")
	raise Wrong(f"on this machine: {'; '.join(lines[-3:])}")


def lines_there(kernel, initrd):
	result = run([*QEMU, "-kernel", kernel, "-initrd", initrd], timeout=TIMEOUT)
	printed = re.search(r"^---- begin\n(.*)^---- end (\d+)$", result.stdout.replace("\r", ""), re.M | re.S)
	if not printed:
		raise Wrong(f"the machine does not come to its end: {first_lines(result.stderr + result.stdout[-500:], 9)}")
	if printed[2] != "0":
		raise Wrong("; ".join(printed[1].splitlines()[-5:]))
	return printed[1].splitlines()


def compare(build, directory):
	debian = os.path.join(build, "for", "aarch64-debian")
	for tool in NEEDED:
		if not shutil.which(tool):
			raise Unable(f"{tool} is not installed")
	if not os.path.exists(os.path.join(debian, "complete")):
		raise Unable("Debian's packages for arm64 are not here: make deps-matrix fetches them")
	expected = lines_here(build, directory)
	there = os.path.join(build, "for", TOOLCHAIN)
	flags = f"--sysroot={os.path.join(debian, 'root')} {PROTECTION}"
	make([f"B={there}", f"CROSS_COMPILE={TRIPLET}-", f"CC={TRIPLET}-gcc {flags}", f"CXX={TRIPLET}-g++ {flags}",
	      "CURL=no", "HTML=no", "outside"])
	found = lines_there(os.path.join(debian, "kernel"), pack(debian, there, directory))
	different = [line for line in difflib.ndiff(expected, found) if line[0] in "+-"]
	if different:
		raise Wrong(f"{len(different)} lines differ (- here, + there): {'; '.join(different[:6])}")
	return f"{len(found)} lines are the same as here"


def try_machine(build, directory):
	"""Returns "ok", "wrong" or "-", and the words to it."""
	try:
		return "ok", compare(build, directory)
	except Unable as why:
		return "-", str(why)
	except Wrong as why:
		return "wrong", str(why)
