// SPDX-License-Identifier: LGPL-3.0-or-later
//
// What C's malloc() returns, the collector does not look at.
//
//     gdc -g -o leak leak.d                (or: ldc2 -g leak.d)
//     log-malloc -o leak.trace ./leak
//     log-malloc-findleak leak.trace
import core.stdc.stdlib : malloc;
import std.stdio : writeln;

struct Words
{
    char*[] kept;

    void remember(string word)
    {
        auto text = cast(char*) malloc(word.length); // leaks

        text[0 .. word.length] = word[];
        kept ~= text;
    }
}

void main()
{
    Words words;

    foreach (word; ["quick", "brown", "fox"])
        words.remember(word);
    writeln(words.kept.length, " words");
}
