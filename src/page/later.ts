// SPDX-License-Identifier: GPL-3.0-or-later
// Work that can wait. It is done one piece after the other, and what the user does comes in between.
export class Later {
	private readonly work = new Map<string, () => void>();
	private timer = 0;

	// Work that has the name of some that still waits takes its place.
	set(name: string, act: () => void): void {
		this.work.delete(name);
		this.work.set(name, act);
		this.timer ||= window.setTimeout(() => this.doNext());
	}

	// It is not needed any more.
	drop(name: string): void {
		this.work.delete(name);
	}

	private doNext(): void {
		this.timer = 0;
		const [next] = this.work;
		if (!next) return;
		const [name, act] = next;
		this.work.delete(name);
		act();
		if (this.work.size) this.timer ||= window.setTimeout(() => this.doNext());
	}
}
