file(REMOVE_RECURSE
  "CMakeFiles/leak.elf.dir/cortex-m3.c.obj"
  "CMakeFiles/leak.elf.dir/cortex-m3.c.obj.d"
  "CMakeFiles/leak.elf.dir/leak.c.obj"
  "CMakeFiles/leak.elf.dir/leak.c.obj.d"
  "leak.elf"
  "leak.elf.pdb"
)

# Per-language clean rules from dependency scanning.
foreach(lang C)
  include(CMakeFiles/leak.elf.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
