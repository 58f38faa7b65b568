// SPDX-License-Identifier: GPL-3.0-or-later
// Work that can wait. It is done one piece after the other, and what the user does comes in between.
export class Later {
	private readonly work = new Map<string, () => void>();
	private isPlanned = false;

	// Work that has the name of some that still waits takes its place.
	set(name: string, act: () => void): void {
		this.work.delete(name);
		this.work.set(name, act);
		if (!this.isPlanned) this.plan();
	}

	// It is not needed any more.
	drop(name: string): void {
		this.work.delete(name);
	}

	// Does all of it now.
	flush(): void {
		while (this.work.size) this.doFirst();
	}

	// The browser is let to draw first.
	private plan(): void {
		this.isPlanned = true;
		requestAnimationFrame(() => setTimeout(() => this.doNext()));
	}

	private doNext(): void {
		this.isPlanned = false;
		this.doFirst();
		if (this.work.size && !this.isPlanned) this.plan();
	}

	private doFirst(): void {
		const [next] = this.work;
		if (!next) return;
		const [name, act] = next;
		this.work.delete(name);
		act();
	}
}
