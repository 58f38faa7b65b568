{ SPDX-License-Identifier: LGPL-3.0-or-later }
{ Each call makes a new record, and nobody disposes of the old one. Pascal has a heap of its own. With the unit
  cmem it uses malloc(), and the tracker sees each block.

      fpc -gw leak.pas
      log-malloc -o leak.trace ./leak
      log-malloc-findleak leak.trace
}
program leak;

uses
  cmem;

type
  PWord = ^TWord;
  TWord = record
    next: PWord;
    text: array[1..92] of char;
  end;

var
  words: PWord;
  i: integer;

procedure remember;
begin
  new(words); { leaks }
end;

begin
  for i := 1 to 3 do
    remember;
  writeln('3 words');
end.
