--  SPDX-License-Identifier: LGPL-3.0-or-later
--
--  Each call makes a new string, and nobody releases the old one.
--
--     gnatmake -g leak.adb
--     log-malloc -o leak.trace ./leak
--     log-malloc-findleak leak.trace
--
--  With the tracker linked in:
--
--     gnatmake -g leak.adb -largs $(pkg-config --libs log-malloc2-wrap)
--     LOG_MALLOC_OUTPUT=leak.trace ./leak

with Ada.Text_IO;

procedure Leak is
   type Text is access String;

   package Notes is
      procedure Remember (Word : String);
   private
      Last : Text;
   end Notes;

   package body Notes is
      procedure Remember (Word : String) is
      begin
         Last := new String'(Word);  --  leaks
      end Remember;
   end Notes;

begin
   for I in 1 .. 3 loop
      Notes.Remember ("word" & Integer'Image (I));
   end loop;
   Ada.Text_IO.Put_Line ("3 words");
end Leak;
