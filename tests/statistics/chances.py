# SPDX-License-Identifier: GPL-3.0-or-later
"""How probable is it that estimates are as far from the truth as they are? No files, no processes.

A z is how far something is from what was expected, in units of what chance has it vary by. It has the normal
distribution, at least where it is far from 0:

- The mean of a cell over all runs. Estimates rest on a number of samples that has nearly Poisson's distribution, so z
  is the signed root of its deviance, which holds for few samples, too. Cells that are to have fewer than LEAST samples in
  all runs are added up, and are one cell.
- Where nearly all blocks are in the sample, the number of the others has that distribution.
- What a cell varies by, against its standard error: the sum of the squares of the deviations over that of the standard
  errors. It has about the distribution of chi square, which has a cube root that is nearly normal (Wilson, Hilferty).
- All cells of a kind that vary: the sum of the squares of their z, likewise. They are independent.
"""

import math

LEAST = 50
# A run's estimate has a normal distribution, nearly, with so many samples.
MANY = 25
ONCE_IN = 1e6
# Numbers in JSON are whole.
ROUNDING = 1 / 12

HEAD = """\
flavour           threads    mean  cells  largest z  smallest p  within 1 SE  2 SE  variance over SE^2"""


class Expected:
	"""What an estimate of VALUE has to vary by. The blocks are added up by groups that have about one size."""

	def __init__(self, value=0):
		self.value = value
		self.variance = self.third = self.absent = self.blocks = self.groups = 0

	def add_blocks(self, count, size, unit, mean):
		if not count:
			return
		each = max(size / count, 1)
		absent = math.exp(-each / mean)
		self.groups += 1
		self.blocks += count
		self.absent += count * absent
		value = 1 if unit == "count" else size / count
		self.variance += count * absent / (1 - absent) * value**2
		self.third += count * absent / (1 - absent) ** 2 * abs(1 - 2 * absent) * value**3

	def add(self, other):
		self.value += other.value
		self.variance += other.variance
		self.third += other.third
		self.absent += other.absent
		self.blocks += other.blocks
		self.groups += other.groups

	def rounding(self):
		"""By how much estimates may be wrong because they are whole numbers. Mostly such errors cancel out, but not where
		weights are nearly 1, nor where there is one block or two: with a weight of 1.49 one counts as 1 in each run."""
		few = 4
		return self.groups / 2 if self.is_nearly_all() or self.variance < few else 0

	def is_nearly_all(self):
		"""Are nearly all blocks in each sample?"""
		return self.absent < self.blocks / 10

	def samples(self):
		"""The number of equal samples that have this relative variance, or are as skewed, whichever is less."""
		if not self.variance:
			return math.inf if self.value else 0
		return min(self.value**2 / self.variance, self.variance * (self.variance / self.third) ** 2 if self.third else math.inf)


def two_sided(z):
	return math.erfc(abs(z) / math.sqrt(2))


def deviance_z(seen, expected):
	"""Of a number with Poisson's distribution."""
	expected = max(expected, 1e-300)
	deviance = (seen * math.log(seen / expected) if seen else 0) - (seen - expected)
	return math.copysign(math.sqrt(max(0, 2 * deviance)), seen - expected)


def poisson_z(value, truth, variance):
	"""Of an estimate and its variance, which are as those of so many samples of one weight."""
	seen = value**2 / variance
	return deviance_z(seen, seen * truth / value) if seen < 1e6 else (value - truth) / math.sqrt(variance)


def square_z(ratio, freedom):
	"""Of a sum of FREEDOM squares over its mean."""
	part = 2 / (9 * freedom)
	return (ratio ** (1 / 3) - (1 - part)) / math.sqrt(part)


class Cell:
	"""The sum of a cell's estimates in all runs."""

	def __init__(self, expected, runs, estimates):
		self.expected, self.runs = expected, runs
		self.truth = expected.value * runs
		self.samples, self.absent = expected.samples() * runs, expected.absent * runs
		off = sum(value for value, _ in estimates) - self.truth
		self.value = self.truth + math.copysign(max(0, abs(off) - expected.rounding() * runs), off)
		self.variance = sum(var + ROUNDING for _, var in estimates)

	def is_rare(self):
		"""Is it not known how such a sum is distributed? Of nearly all blocks, it is."""
		return self.expected.blocks and not self.expected.is_nearly_all() and min(self.samples, self.absent) < LEAST

	def varies(self):
		return self.expected.blocks and not (self.expected.is_nearly_all() and self.absent < LEAST)

	def z(self):
		# What is 0 in truth is so in each sample.
		if not self.expected.blocks:
			return math.inf if self.value else 0
		if not self.varies():
			return self.z_of_absent()
		if not self.value:
			return -math.sqrt(2 * self.samples)
		return poisson_z(self.value, self.truth, self.variance)

	def z_of_absent(self):
		"""Nearly all blocks are in the sample. The rest are few, so they have Poisson's distribution, and no estimate does."""
		each = self.expected.value / self.expected.blocks
		seen = max(0, self.absent - (self.value - self.truth) / each)
		return -deviance_z(seen, self.absent) if self.value != self.truth else 0


class Tests:
	"""Of one combination: what was tested, and the z of each test."""

	def __init__(self, title, runs):
		self.title, self.runs = title, runs
		self.tests = []  # a z, and what it is of
		self.rare = {}
		self.within = [0, 0]
		self.looked_at = 0
		self.squares = []  # a ratio, its degrees of freedom, and what it is of
		self.biases = 0

	def add(self, name, expected, estimates):
		cell = Cell(expected, self.runs, estimates)
		if cell.is_rare():
			self.rare.setdefault((name[0], *name[2:]), []).append((expected, estimates))
			return
		self.bias(name, cell)
		if expected.samples() >= MANY and expected.absent >= MANY:
			self.spread(name, expected, estimates)

	def bias(self, name, cell):
		self.biases += 1
		self.tests.append((cell.z(), "mean" if cell.varies() else "mean, nearly certain,", name))

	def spread(self, name, expected, estimates):
		deviations = sum((value - expected.value) ** 2 for value, _ in estimates)
		ratio = deviations / sum(var + ROUNDING for _, var in estimates)
		freedom = self.runs / (1 + 2 / expected.samples())
		self.squares.append((ratio, freedom, name))
		self.tests.append((square_z(ratio, freedom), "variance", name))
		for value, var in estimates:
			off = abs(value - expected.value) / math.sqrt(var + ROUNDING)
			self.within = [n + (off <= limit) for n, limit in zip(self.within, (1, 2))]
			self.looked_at += 1

	def add_rare(self):
		"""The sum of all cells of a kind that are too rare by themselves."""
		for (kind, *rest), cells in self.rare.items():
			whole = Expected()
			for expected, _ in cells:
				whole.add(expected)
			sums = [tuple(map(sum, zip(*run))) for run in zip(*(estimates for _, estimates in cells))]
			cell = Cell(whole, self.runs, sums)
			if not cell.is_rare():
				self.bias((kind, "%d rare ones" % len(cells), *rest), cell)

	def end(self):
		"""To be called when all cells were added."""
		self.add_rare()
		self.add_squares()
		families = {}
		for z, what, name in self.tests:
			if what == "mean" and name[0] != "all":
				families.setdefault((name[0], "all together", name[2], name[3]), []).append(z)
		for name, zs in families.items():
			self.tests.append((square_z(sum(z * z for z in zs) / len(zs), len(zs)), "sum of squares", name))

	def add_squares(self):
		"""Of all cells of a kind together, whether the standard errors are right."""
		families = {}
		for ratio, freedom, name in self.squares:
			if name[0] != "all":
				families.setdefault((name[0], "all together", name[2], name[3]), []).append((ratio, freedom))
		for name, squares in families.items():
			freedom = sum(f for _, f in squares)
			self.tests.append((square_z(sum(r * f for r, f in squares) / freedom, freedom), "variance", name))

	def largest(self):
		return max((abs(z) for z, what, _ in self.tests if what.startswith("mean")), default=0)

	def line(self):
		flavour, threads, mean = self.title
		worst = max((abs(z) for z, _, _ in self.tests), default=0)
		p = min(1, two_sided(worst) * max(1, len(self.tests)))
		shares = ["%.1f %%" % (100 * n / self.looked_at) if self.looked_at else "-" for n in self.within]
		ratio = "%.2f" % (sum(r for r, _, _ in self.squares) / len(self.squares)) if self.squares else "-"
		return "%-17s %7d %7s  %5d  %9.1f  %10.2g  %11s  %s  %s" % (flavour, threads,
			"%dK" % (mean >> 10) if mean >> 10 else mean, self.biases, self.largest(), p, *shares, ratio)


def conclude(done):
	"""Says what chance does not allow. The exit status."""
	tests = [(abs(z), what, name, d.title) for d in done for z, what, name in d.tests]
	unlikely = [t for t in tests if two_sided(t[0]) * len(tests) * ONCE_IN < 1]
	z, what, name, title = max(tests)
	print("%d tests; the largest z: %.1f, which chance has in a set of so many with p = %.2g: %s of %s, in %s" % (len(tests), z,
		min(1, two_sided(z) * len(tests)), what, " ".join(name), " ".join(map(str, title))))
	for z, what, name, title in sorted(unlikely, reverse=True):
		print("not by chance: z = %.1f: %s of %s, in %s" % (z, what, " ".join(name), " ".join(map(str, title))))
	return 1 if unlikely else 0
